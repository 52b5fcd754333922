"""One rule kind per file: pure steps over tracks and time."""
