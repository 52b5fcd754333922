"""A work site without pixels: exact worlds, a detector that errs as measured, and the real domain between them."""
