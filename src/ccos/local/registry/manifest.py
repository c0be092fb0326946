"""What is known of a model: one small document beside its file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from ccos.domain.errors import BadInput
from ccos.local.gguf import ModelFile

UNKNOWN = "unknown"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_QUANTISATION = re.compile(
    r"(?:^|[-._])((?:i?q\d(?:_\d|_k(?:_(?:xs|s|m|l|xl))?|_(?:xxs|xs|s|m|nl))?|tq\d_0|mxfp4|bf16|f16|f32))"
    r"(?=[-._]|$)",
    re.IGNORECASE,
)
FILE_TYPES: Mapping[int | None, str] = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
    12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K",
    19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL",
    26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16",
    36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip
"""What the numbers of `general.file_type` stand for (llama.cpp's `llama.h`, llama_ftype)."""
_FORMATS = {
    "<|im_start|>": "chatml",
    "<|start_header_id|>": "llama-3",
    "<start_of_turn>": "gemma",
    "<|start_of_turn|>": "gemma",
    "[INST]": "mistral",
    "[|assistant|]": "exaone",
    "<|assistant|>": "phi",
}


@dataclass(frozen=True, slots=True)
class Manifest:
    """A registered model. `file` is a name in the registry's own folder, or a whole path when it is `linked`.

    `size` is in bytes, times are ISO 8601 in UTC. `source` is a URL or the path it was added from, without a
    password; `etag` is what the source called this very file. `verified_at`: it was whole, loaded and
    answered then.
    """

    name: str
    file: str
    sha256: str
    size: int
    licence: str
    prompt_format: str
    context_tokens: int
    source: str
    added_at: str
    architecture: str
    quantisation: str
    linked: bool = False
    etag: str = ""
    verified_at: str | None = None

    @classmethod
    def of(
        cls,
        name: str,
        model: ModelFile,
        *,
        file: str,
        sha256: str,
        licence: str | None,
        source: str,
        at: datetime,
        linked: bool = False,
        etag: str = "",
    ) -> Self:
        """What the header of the file says, with what only whoever adds it knows."""
        return cls(
            name=name,
            file=file,
            sha256=sha256,
            size=model.size,
            licence=licence or model.licence or UNKNOWN,
            prompt_format=prompt_format(model),
            context_tokens=model.context_length,
            source=source,
            added_at=at.isoformat(timespec="seconds"),
            architecture=model.architecture,
            quantisation=FILE_TYPES.get(model.file_type, "") or quantisation(source) or UNKNOWN,
            linked=linked,
            etag=etag,
        )

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self | None:
        """The manifest a document holds; None when it is none. Names that a newer version knows are passed
        over.
        """
        known = {field.name: document[field.name] for field in fields(cls) if field.name in document}
        try:
            found = cls(**known)
        except TypeError:
            return None
        texts = (found.file, found.sha256, found.licence, found.source, found.etag, found.quantisation)
        sound = (
            isinstance(found.name, str)
            and _NAME.fullmatch(found.name) is not None
            and all(isinstance(text, str) for text in texts)
            and isinstance(found.size, int)
            and isinstance(found.linked, bool)
            and bool(found.file)
            and (Path(found.file).is_absolute() if found.linked else Path(found.file).name == found.file)
        )
        return found if sound else None

    def document(self) -> dict[str, Any]:
        return asdict(self)

    def verified(self, at: datetime) -> Self:
        return replace(self, verified_at=at.isoformat(timespec="seconds"))


def glance(manifest: Manifest, path: Path) -> str | None:
    """What is wrong with the model's file as far as its size tells, and what to do; None when nothing is."""
    again = f"put the right one back, or `ccos models remove {manifest.name}` and add it again"
    try:
        size = path.stat().st_size
    except OSError as fault:
        return f"{path} cannot be read ({fault.strerror or type(fault).__name__}); {again}."
    if size != manifest.size:
        return f"{path} has {size} bytes and had {manifest.size} when it was added; {again}."
    return None


def checked_name(name: str) -> str:
    """The name, when it is fit to be one; raises BadInput. It becomes the name of a file."""
    if _NAME.fullmatch(name) is None or ".." in name:
        raise BadInput(
            "A model's name has up to 64 small letters, digits, dots, hyphens and underscores, and begins and"
            " ends with a letter or digit; give another with --name."
        )
    return name


def name_of(file: str) -> str:
    """A name made of a file's name: small letters, what is no letter or digit a hyphen."""
    stem = re.sub(r"\.gguf$", "", file, flags=re.IGNORECASE).lower()
    made = re.sub(r"-{2,}", "-", re.sub(r"\.{2,}", ".", re.sub(r"[^a-z0-9._-]", "-", stem)))
    return made[:64].strip("-._") or "model"


def quantisation(file: str) -> str:
    """As the file's name tells it, `Q4_K_M`; empty when it does not."""
    found = _QUANTISATION.findall(re.sub(r"\.gguf$", "", file, flags=re.IGNORECASE))
    return str(found[-1]).upper() if found else ""


def prompt_format(model: ModelFile) -> str:
    """The name of the chat template's family, by the control tokens of the file."""
    known = next((name for token, name in _FORMATS.items() if token in model.control_tokens), None)
    if not model.has_chat_template:
        return "chatml (ours: the file brings none)"
    return known or "of the file"
