"""The composition root: the only place that knows every part. What is opened here is closed here.

Its modules are imported when they are asked for, so that a command that makes a key waits for no model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccos.wiring.administration import open_administration
    from ccos.wiring.knowledge import open_knowledge
    from ccos.wiring.product import Ccos, open_ccos

__all__ = ["Ccos", "open_administration", "open_ccos", "open_knowledge"]

_WHERE = {
    "Ccos": "product",
    "open_ccos": "product",
    "open_administration": "administration",
    "open_knowledge": "knowledge",
}


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"ccos.wiring.{_WHERE[name]}"), name)
