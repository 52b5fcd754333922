"""Violation messages become reports in an inbox."""
