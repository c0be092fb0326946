"""Experiments, the pure part: who gets which arm, and what may be said of it at any moment."""
