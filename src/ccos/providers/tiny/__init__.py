"""The drafter in the box: a model of a few million weights that writes placeholders, which code fills."""

from ccos.providers.tiny.provider import TinyDrafter, grammar_of
from ccos.providers.tiny.speech import speaks_placeholders

__all__ = ["TinyDrafter", "grammar_of", "speaks_placeholders"]
