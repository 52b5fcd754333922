"""The citation table: which references, corrective actions and known misuses there are, as reviewed data."""
