"""One run of both services as child processes: starting, reading their log lines, draining, summing up."""
