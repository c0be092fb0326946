"""One module per way to get words."""
