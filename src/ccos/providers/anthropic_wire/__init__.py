"""Messages: the wire format of Anthropic."""

from ccos.providers.anthropic_wire.client import AnthropicMessages
from ccos.providers.anthropic_wire.dialect import Dialect, dialect_for

__all__ = ["AnthropicMessages", "Dialect", "dialect_for"]
