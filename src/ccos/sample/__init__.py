"""The sample tenant: data that ships with the product."""
