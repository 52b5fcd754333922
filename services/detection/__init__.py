"""Camera frames become violation messages."""
