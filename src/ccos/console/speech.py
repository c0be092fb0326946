"""The sentences of the pages. They stand in words/ko.json and words/en.json under the same keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final, get_args

from ccos.domain.prompt import Language

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)


class Speech:
    """`t("age.hours", n=3)` in one language. A key that is missing is a mistake of ours: KeyError."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._words = words(language)

    def __call__(self, key: str, **values: object) -> str:
        return self._words[key].format(**values) if values else self._words[key]

    def known(self, group: str, name: object) -> str:
        """The words for a value of an open set, such as a channel; without any, the value itself."""
        return self._words.get(f"{group}.{name}", str(name))


@cache
def words(language: Language) -> Mapping[str, str]:
    text = (files("ccos.console") / "words" / f"{language}.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found


@cache
def speech(language: Language) -> Speech:
    return Speech(language)


def preferred(accept_language: str) -> Language:
    """The language of the header that we speak and that is wanted most; Korean when there is none."""
    ranked = [
        (-_weight(weight), place, language)
        for place, (name, _, weight) in enumerate(
            p.strip().partition(";q=") for p in accept_language.split(",")
        )
        for language in LANGUAGES
        if name.split("-")[0].lower() == language
    ]
    return min(ranked)[2] if ranked else "ko"


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
