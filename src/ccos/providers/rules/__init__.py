"""Tier 3, the rules: approved answers and templates, no model, no network."""

from ccos.providers.rules.provider import RuleBased

__all__ = ["RuleBased"]
