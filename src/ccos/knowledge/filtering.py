"""What a search may find, beyond what has not run out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import accumulate
from typing import Self

from ccos.domain.errors import BadInput
from ccos.domain.evidence import Visibility
from ccos.domain.knowledge import BETWEEN, LEVELS, category_levels, category_path
from ccos.knowledge.cards import Hit


@dataclass(frozen=True, slots=True)
class Filter:
    """None: whatever it is. `of` reads one from what somebody gave.

    A locale stands for its regions too ("en" for "en-GB"), a category for those below it. What says nothing
    of its time, its locale or its category is not found by one.
    """

    visibility: Visibility | None = None
    updated_after: datetime | None = None
    locale: str | None = None
    category: str | None = None

    @classmethod
    def of(
        cls,
        *,
        zone: tzinfo,
        visibility: str | None = None,
        updated_after: str | None = None,
        locale: str | None = None,
        category: str | None = None,
    ) -> Self:
        """A time without a zone is one of `zone`. Raises BadInput with `facts["field"]` of what is wrong."""
        return cls(
            visibility=None if visibility is None else _visibility(visibility),
            updated_after=None if updated_after is None else _instant(updated_after, zone),
            locale=None if locale is None else _locale(locale),
            category=None if category is None else _category(category),
        )

    def passes(self, hit: Hit) -> bool:
        return (
            (self.visibility is None or hit.visibility is self.visibility)
            and (self.updated_after is None or _after(hit.updated_at, self.updated_after))
            and (self.locale is None or speaks(hit.locale, self.locale))
            and (self.category is None or _within(hit.category, self.category))
        )


EVERYTHING = Filter()


def speaks(locale: str | None, wanted: str) -> bool:
    """Whether "ko-KR" or "ko_KR" is "ko", or just what is wanted; False where no locale is told."""
    has, asks = spelt(locale or ""), spelt(wanted)
    return has == asks or has.startswith(asks + "-")


def spelt(locale: str) -> str:
    """One spelling for all ways to write a locale: "ko-kr" for "ko_KR"."""
    return locale.strip().replace("_", "-").casefold()


def languages(locale: str) -> list[str]:
    """All that may be asked for to find it, spelt: "ko" and "ko-kr" for "ko_KR"."""
    return list(accumulate(spelt(locale).split("-"), "{}-{}".format))


def categories(category: str) -> list[str]:
    """All that may be asked for to find it: the category and those above it."""
    return list(accumulate(category.split(BETWEEN), f"{{}}{BETWEEN}{{}}".format))


def _after(time: datetime | None, since: datetime) -> bool:
    return time is not None and time > since


def _within(category: str | None, wanted: str) -> bool:
    return category is not None and (category == wanted or category.startswith(wanted + BETWEEN))


def _visibility(text: str) -> Visibility:
    try:
        return Visibility(text.strip().casefold())
    except ValueError:
        raise BadInput("The visibility must be public or internal.", field="visibility") from None


def _instant(text: str, zone: tzinfo) -> datetime:
    sentence = "The time must be a day like 2026-11-23 or a moment like 2026-11-23T09:00+09:00."
    try:
        read = datetime.fromisoformat(text.strip())
        moment = read if read.tzinfo else read.replace(tzinfo=zone)
        moment.timestamp()  # the first and last days of the calendar may have no moment in another zone
    except (ValueError, OverflowError):
        raise BadInput(sentence, field="updated_after") from None
    return moment


def _locale(text: str) -> str:
    parts = spelt(text).split("-")
    if not all(part.isalnum() and part.isascii() and len(part) <= 8 for part in parts) or len(parts) > 4:
        raise BadInput("The locale must be a language, like ko or en-GB.", field="locale")
    return text.strip()


def _category(text: str) -> str:
    path = category_path(text)
    if path is None or category_levels(text) > LEVELS or len(path) > 200:
        raise BadInput(
            f"The category must be a path of one to {LEVELS} levels, like `배송 > 지연`.", field="category"
        )
    return path
