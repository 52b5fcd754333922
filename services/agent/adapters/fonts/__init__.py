"""The typefaces that reports are set in, as files of this package; README.md says where each comes from."""
