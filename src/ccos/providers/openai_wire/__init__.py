"""Chat completions: the wire format of OpenAI and of nearly every local model server."""

from ccos.providers.openai_wire.client import OpenAIChat
from ccos.providers.openai_wire.dialect import Dialect, dialect_for
from ccos.providers.openai_wire.served import ServedChat

__all__ = ["Dialect", "OpenAIChat", "ServedChat", "dialect_for"]
