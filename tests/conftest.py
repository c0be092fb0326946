"""Shared by all tests. Fixtures that open something live beside the tests that need them."""
