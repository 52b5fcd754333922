"""Settings that both services share, and the site file."""
