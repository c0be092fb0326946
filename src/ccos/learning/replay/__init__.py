"""What would it have cost, and how good would it have been: policies replayed on outcomes that are known."""
