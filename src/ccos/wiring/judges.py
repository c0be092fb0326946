"""Which models may give a second opinion: a small file in the home folder, written by `ccos eval judge`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ccos.domain.errors import BadInput
from ccos.quality.judging import Rates

FILE = "judges.json"

_RATES = TypeAdapter(dict[str, Rates])


def read_judges(folder: Path) -> dict[str, Rates]:
    """The measured rates by model name; none without a file. Raises BadInput for a file that is no such."""
    try:
        return _RATES.validate_json((folder / FILE).read_bytes())
    except FileNotFoundError:
        return {}
    except ValidationError:
        sentence = f"{folder / FILE} is not what `ccos eval judge --save` wrote; remove it and save again."
        raise BadInput(sentence) from None


def write_judge(folder: Path, model: str, rates: Rates) -> Path:
    """Adds a model's rates to the file, whole or not at all."""
    known: Mapping[str, Rates] = {**read_judges(folder), model: rates}
    folder.mkdir(parents=True, exist_ok=True)
    path, fresh = folder / FILE, folder / f"{FILE}.{os.getpid()}"
    body = {name: each.model_dump() for name, each in sorted(known.items())}
    fresh.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
    fresh.replace(path)
    return path
