"""What a recogniser is, and what it finds."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal[
    "resident", "foreigner", "card", "license", "business", "customs", "passport", "phone", "account",
    "email", "address", "plate", "birth", "ci", "name",
]  # fmt: skip

LOCAL_ONLY: frozenset[Kind] = frozenset({"resident", "foreigner"})
"""Kinds the law lets nobody pass on: a text with one stays on this machine, masked or not."""

SEP = r"[-.\s*_`~·∙•ㆍ・ㅡᅳー➖/\\|]{0,4}"
"""What people, keyboards and Markdown put between the groups of a number, line breaks included."""
ALONE = r"(?<!\d)(?<!\d-)"
END = r"(?!-?\d)"


@dataclass(frozen=True, slots=True)
class PiiSpan:
    """Where personal data stands, in offsets of the text that was given.

    `value` is its comparable form: digits only, e-mail in lower case, addresses without blanks.
    """

    kind: Kind
    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A match in folded text, with what stands around it; `group` is the part that is personal."""

    text: str
    match: re.Match[str]
    group: int = 0

    @property
    def shown(self) -> str:
        return self.match.group(self.group)

    @property
    def digits(self) -> str:
        return NOT_DIGIT.sub("", self.shown)

    @property
    def separated(self) -> bool:
        return not self.shown.isdigit()

    def after(self, words: re.Pattern[str], reach: int = 24) -> bool:
        """Whether one of `words` stands shortly before it, on its line; `\\Z` in them means right before."""
        start = self.match.start(self.group)
        return bool(words.search(self.text[max(0, start - reach) : start].rpartition("\n")[2]))

    def before(self, words: re.Pattern[str], reach: int = 12) -> bool:
        """Whether one of `words` stands shortly behind it, on its line."""
        end = self.match.end(self.group)
        return bool(words.search(self.text[end : end + reach].partition("\n")[0]))


NOT_DIGIT = re.compile(r"\D")


class Recogniser(NamedTuple):
    """A pattern, and a test for what the pattern alone cannot say.

    `hints`: one of these is in every text that has a match, and so is something that `needs` finds: both in
    lower case, and quicker to look for than the pattern. Without either, a match lies where seven digits or
    more stand close together.
    """

    kind: Kind
    pattern: re.Pattern[str]
    test: Callable[[Candidate], bool] | None = None
    group: int = 0
    hints: tuple[str, ...] = ()
    needs: re.Pattern[str] | None = None

    def may_find(self, lowered: str) -> bool:
        """False for most texts that have no match, and cheap."""
        if self.hints and not any(hint in lowered for hint in self.hints):
            return False
        return self.needs is None or self.needs.search(lowered) is not None


def recogniser(
    kind: Kind,
    pattern: str,
    test: Callable[[Candidate], bool] | None = None,
    *,
    group: int = 0,
    hints: tuple[str, ...] = (),
    needs: str = "",
) -> Recogniser:
    return Recogniser(
        kind,
        re.compile(pattern, re.VERBOSE),
        test,
        group,
        tuple([hint.lower() for hint in hints]),
        re.compile(needs) if needs else None,
    )


def words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


PRODUCT = words(
    r"(?:모델|품번|상품|제품|부품|시리얼|일련|품목|코드|쿠폰|버전|model|serial|product|item|sku|part|code|version)"
    r"[가-힣a-z]{0,6}[\s:#=(\"'.*]{0,4}\Z"
)
ORDER = words(
    r"(?:(?:주문|운송장|송장|order|tracking|parcel|invoice|waybill)"
    r"(?:\s?(?:번호|코드|넘버|no\.?|number|num|id))?"
    r"|(?:배송|택배|접수|예약|문의|결제|승인|거래|상품|바코드|일련|관리|회원|추적|발주|증빙|시리얼|전표|신고|조회"
    r"|booking|reservation|serial|product|item|barcode|ticket|case|reference|confirmation|transaction|approval|"
    r"membership|customer)\s?(?:번호|코드|넘버|no\.?|number|num|code|id)|바코드|ean|isbn|imei|sku|upc)"
    r"(?:\s?(?:is|was))?[\s은는이가:#=()\"'\[*_`|-]{0,4}\Z"
)
"""The label of a number that names a thing and not a person, right before it."""
