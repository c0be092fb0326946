"""The local model runtime."""
