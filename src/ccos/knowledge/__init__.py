"""Import, chunks, Korean text, search."""
