"""Embedded twins of the cloud: a folder store and a queue in one SQLite file."""
