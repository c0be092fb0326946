"""The program that a client starts as the keeper: `python -I -S boot.py ...`.

It enters the packages above without running them, so that the keeper loads the standard library and its
own modules, never a database driver, and is up in some fifty milliseconds.
"""

import sys
from pathlib import Path
from types import ModuleType

_here = Path(__file__).resolve().parent
for _name, _folder in (
    ("ccos", _here.parents[1]),
    ("ccos.store", _here.parent),
    ("ccos.store.embedded", _here),
):
    _package = ModuleType(_name)
    _package.__path__ = [str(_folder)]
    sys.modules[_name] = _package

from ccos.store.embedded.keeper import main  # noqa: E402  # the packages above must be entered first

main(sys.argv[1:])
