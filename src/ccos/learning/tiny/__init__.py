"""Trains the drafter in the box; PyTorch is imported only where weights are trained."""
