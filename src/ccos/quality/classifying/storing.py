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
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from ccos.domain.errors import BadInput
from ccos.quality.classifying.features import Spelling
from ccos.quality.classifying.model import TextModel

FORMAT = 1
MOST_BYTES = 200_000_000
"""Of a file, packed and unpacked."""
Arrays = dict[str, NDArray[Any]]
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


def model_bytes(model: TextModel) -> bytes:
    """What a file of the model holds; the same model gives the same bytes."""
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
    return written.getvalue()


def save_model(model: TextModel, path: Path) -> None:
    """Writes the model whole or not at all. Raises OSError."""
    draft = path.with_name(path.name + ".part")
    draft.write_bytes(model_bytes(model))
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
        head, arrays = _parts(content, name)
    except UnusableModel:
        raise
    except Exception:  # what zip and numpy raise on hostile bytes is no closed list
        raise UnusableModel(f"{name} is no text model of CCOS; make one with `ccos train triage`.") from None
    _check(head.labels, arrays, name)
    return TextModel(
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


def _parts(content: bytes, name: str) -> tuple[_Head, Arrays]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        size = sum(each.file_size for each in packed.infolist())
    if size > MOST_BYTES:
        raise UnusableModel(f"{name} unpacks to over {MOST_BYTES // 1_000_000} MB: no text model does.")
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        head = _Head.model_validate(json.loads(stored["head"].tobytes()))
        return head, {each: stored[each] for each in _ARRAYS}


def _check(labels: tuple[str, ...], arrays: Arrays, name: str) -> None:
    size, columns = arrays["keys"].size, len(labels)
    shapes = {
        "keys": (size,),
        "idf": (size,),
        "weights": (size, columns),
        "scales": (columns,),
        "bias": (columns,),
    }
    if any(arrays[each].dtype != kind for each, kind in _ARRAYS.items()):
        raise UnusableModel(f"{name} is damaged: its parts are of other kinds; train it again.")
    if any(arrays[each].shape != shape for each, shape in shapes.items()):
        raise UnusableModel(f"{name} is damaged: its parts do not fit together; train it again.")
    keys = arrays["keys"]
    if len(set(labels)) != columns or bool(np.any(keys[1:] <= keys[:-1])):
        raise UnusableModel(f"{name} is damaged: its labels or keys repeat; train it again.")
    if not all(np.isfinite(arrays[each]).all() for each in ("idf", "scales", "bias")):
        raise UnusableModel(f"{name} is damaged: its weights are no numbers; train it again.")
