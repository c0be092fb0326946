"""The gate: vetoes first, then a score."""
