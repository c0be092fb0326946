"""The ticket workflow."""
