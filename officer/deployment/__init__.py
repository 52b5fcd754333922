"""Looks at an installation in AWS from outside."""
