"""Text classifiers in files: one `.npz` each, arrays and a JSON head, never code."""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ccos.domain.errors import BadInput
from ccos.quality.classifying.features import Spelling
from ccos.quality.classifying.model import TextModel

FORMAT = 1
MOST_BYTES = 200_000_000
_ARRAYS = {"keys": np.uint32, "idf": np.float16, "weights": np.int8, "scales": np.float32, "bias": np.float32}


class UnusableModel(BadInput):
    code, message = "model.unusable", "This is no text model of CCOS; make one with `ccos train triage`."


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: int = Field(ge=FORMAT, le=FORMAT)
    what: str
    labels: tuple[str, ...] = Field(min_length=2)
    spelling: Spelling
    sharpness: float = Field(gt=0, allow_inf_nan=False)
    prior_weight: float = Field(ge=0, allow_inf_nan=False)
    certain: float = Field(ge=0, le=1)
    about: dict[str, Any]


def save_model(model: TextModel, path: Path) -> None:
    """Writes the model whole or not at all; the same model gives the same bytes. Raises OSError."""
    head = _Head(
        format=FORMAT,
        what=model.what,
        labels=model.labels,
        spelling=model.spelling,
        sharpness=model.sharpness,
        prior_weight=model.prior_weight,
        certain=model.certain,
        about=dict(model.about),
    )
    arrays = {name: np.asarray(getattr(model, name), kind) for name, kind in _ARRAYS.items()}
    written = io.BytesIO()
    text = np.frombuffer(head.model_dump_json().encode(), np.uint8)
    np.savez_compressed(written, head=text, **arrays)  # type: ignore[arg-type]
    draft = path.with_name(path.name + ".part")
    draft.write_bytes(written.getvalue())
    draft.replace(path)


def load_model(path: Path) -> TextModel:
    """The model in a file. Raises UnusableModel, in a sentence, for a file that holds none."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UnusableModel(f"{path.name} is over {MOST_BYTES // 1_000_000} MB: no text model is.")
        content = path.read_bytes()
    except OSError as fault:
        raise UnusableModel(f"{path} cannot be read: {fault.strerror}; give the path of a model.") from None
    return _parsed(content, path.name)


@cache
def shipped(what: str) -> TextModel:
    """The model of that name that comes with the product. Raises UnusableModel."""
    name = f"{what}.npz"
    place = files(__package__).joinpath("weights", name)
    if not place.is_file():
        raise UnusableModel(f"No model named {what} ships with CCOS.")
    return _parsed(place.read_bytes(), name)


def _parsed(content: bytes, name: str) -> TextModel:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            head = _Head.model_validate(json.loads(stored["head"].tobytes()))
            arrays = {each: stored[each] for each in _ARRAYS}
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, ValidationError):
        raise UnusableModel(f"{name} is no text model of CCOS; make one with `ccos train triage`.") from None
    model = TextModel(
        what=head.what,
        labels=head.labels,
        spelling=head.spelling,
        keys=arrays["keys"],
        idf=arrays["idf"].astype(np.float32),
        weights=arrays["weights"],
        scales=arrays["scales"],
        bias=arrays["bias"],
        sharpness=head.sharpness,
        prior_weight=head.prior_weight,
        certain=head.certain,
        about=head.about,
    )
    _check(model, name)
    return model


def _check(model: TextModel, name: str) -> None:
    size, labels = model.keys.size, len(model.labels)
    shapes = {
        "keys": (size,),
        "idf": (size,),
        "weights": (size, labels),
        "scales": (labels,),
        "bias": (labels,),
    }
    if any(getattr(model, each).shape != shape for each, shape in shapes.items()):
        raise UnusableModel(f"{name} is damaged: its parts do not fit together; train it again.")
    if len(set(model.labels)) != labels or bool(np.any(model.keys[1:] <= model.keys[:-1])):
        raise UnusableModel(f"{name} is damaged: its labels or keys repeat; train it again.")
    if (
        model.weights.dtype != np.int8
        or not np.isfinite(model.scales).all()
        or not np.isfinite(model.bias).all()
    ):
        raise UnusableModel(f"{name} is damaged: its weights are no numbers; train it again.")
