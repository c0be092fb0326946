"""AI Contact Center OS: reply drafts for support tickets, through four tiers, cloud or no cloud."""

__version__ = "0.1.0"
