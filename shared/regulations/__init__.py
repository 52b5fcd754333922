"""The citation table and corrective actions, as versioned data."""
