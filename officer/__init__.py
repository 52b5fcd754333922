"""The `officer` command line: both services on one machine."""
