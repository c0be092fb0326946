"""The multi-tier service: one call, four tiers."""
