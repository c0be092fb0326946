"""Which model files this machine has, where they are from, and which of them serves a tier."""
