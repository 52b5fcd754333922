"""Rules of the field, free of any vendor."""
