"""One technology behind one port each."""
