"""Which passage each fact of a reply stands on: marks that were left out, and facts without any. Pure.

Figures have rules of their own (`citations.marked`). Here a sentence is held against the sentences of the
passages: it stands on one when that has its words and its figures and says yes or no alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ccos.agents.citations import own_words, spans
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.prompt import Grounds
from ccos.quality.features.choosing import CITED
from ccos.quality.features.courtesy import asks_back, is_courtesy
from ccos.quality.features.cues import denies
from ccos.quality.features.sources import Source, passage_source, source
from ccos.quality.features.support import THIN
from ccos.quality.features.text import Word
from ccos.quality.folding import fold, plain

CLEAR = 0.75
"""Share of a sentence's words, by weight, that one sentence of a passage must have to be its source."""

HARDLY = 0.2
"""Share that all texts together must have before a sentence counts as said by any of them: with more, every
second answer that people approved would be told of. `docs/decisions/0030-one-evidence-once.md`."""

SURE = 0.9
"""Share of a sentence that turns round what a passage says in nearly the same words."""

_NO_FACT = re.compile(
    r"(?:바랍니다|바라요|좋겠(?:습니다|어요)|싶(?:습니다|어요)|[군네]요|것 같(?:습니다|아요)"
    r"|부탁드(?:립니다|려요)|권해 ?드립니다|[하되보오세주내](?:세요|십시오|셔요)|[보하]겠습니다|드리겠습니다"
    r"|물어봐)[^가-힣]*$"
    r"|\b(?:tell me|i'd like|i'm afraid|congratulations|hope|wish|please|sure thing|i'll|we'll)\b"
)
"""Wishes, feelings, requests and what somebody is going to do: no passage needs to say them."""

FROM = 10
"""Characters of a sentence that says anything."""


class Claim(NamedTuple):
    """A sentence that states a fact: a span of the reply."""

    start: int
    end: int
    text: str


def cited(reply: str, evidence: Sequence[Evidence], grounds: Grounds) -> str:
    """The reply with a mark behind each fact that has none and clearly stands in a procedure.

    What stands in what the customer or the company said needs none, and lines of a table are left alone.
    """
    known = _Known.of([each for each in evidence if each.kind is EvidenceKind.KB], grounds)
    added = []
    for stated in _stated(reply):
        if stated.marked or known.own.holds(stated, CLEAR):
            continue
        best = max(known.passages, key=lambda each: each.share(stated), default=None)
        if best is not None and best.holds(stated, CLEAR) and best.n not in stated.covering:
            added.append((stated.claim.end, f" [{best.n}]"))
    for at, mark in reversed(added):
        reply = reply[:at] + mark + reply[at:]
    return reply


def unsupported(reply: str, evidence: Sequence[Evidence], grounds: Grounds) -> tuple[Claim, ...]:
    """The facts of the reply that nobody said: no passage, not the customer, not the company.

    That is a sentence few of whose words are anywhere, or whose figure is nowhere, or one that turns round
    what a passage says in the same words.
    """
    known = _Known.of(evidence, grounds)
    return tuple(stated.claim for stated in _stated(reply) if not known.says(stated))


@dataclass(frozen=True, slots=True)
class _Stated:
    claim: Claim
    read: Source
    words: tuple[Word, ...]
    denies: bool
    marked: bool
    covering: frozenset[int]


def _stated(reply: str) -> Iterator[_Stated]:
    folded = fold(reply)
    for span in spans(folded.text):
        said = CITED.sub(lambda mark: " " * len(mark[0]), folded.text[span.start : span.end].lower())
        text = said.strip()
        if len(text) < FROM or "|" in text or is_courtesy(text) or asks_back(text):
            continue
        read = source(text)
        if sum(word.weight for word in read.words) < THIN:
            continue
        start, end = folded.original(span.start, span.end)
        claim = Claim(start, end, reply[start:end])
        yield _Stated(claim, read, read.words, denies(text), bool(span.marks), span.covering)


@dataclass(frozen=True, slots=True)
class _Passage:
    """`sentences` are read one by one, `whole` together."""

    n: int
    whole: Source
    sentences: tuple[Source, ...]

    @classmethod
    def of(cls, n: int, text: str) -> _Passage:
        whole = passage_source(text) if n else source(text)  # a customer's words are remembered nowhere
        return cls(n, whole, tuple(source(each.text) for each in whole.sentences))

    def share(self, stated: _Stated) -> float:
        return max((_share(stated, each) for each in self.sentences), default=0.0)

    def holds(self, stated: _Stated, bar: float) -> bool:
        return (
            all(fact.accepts & self.whole.facts for fact in stated.read.stated if fact.accepts)
            and any(_share(stated, each) >= bar for each in self._alike(stated))
            and not self.turns(stated, bar)
        )

    def turns(self, stated: _Stated, bar: float) -> bool:
        """The sentence that is nearest says no where this says yes, or yes where this says no."""
        nearest = max(self.sentences, key=lambda each: _share(stated, each), default=None)
        return (
            nearest is not None
            and _share(stated, nearest) >= bar
            and denies(nearest.text) != stated.denies
            and not any(_share(stated, each) >= bar for each in self._alike(stated))
        )

    def _alike(self, stated: _Stated) -> Iterator[Source]:
        return (each for each in self.sentences if denies(each.text) == stated.denies)


@dataclass(frozen=True, slots=True)
class _Known:
    passages: tuple[_Passage, ...]
    own: _Passage

    @classmethod
    def of(cls, evidence: Sequence[Evidence], grounds: Grounds) -> _Known:
        return cls(
            tuple(_Passage.of(each.n, plain(f"{each.title}\n{each.snippet}").lower()) for each in evidence),
            _Passage.of(0, plain(own_words(grounds)).lower()),
        )

    def says(self, stated: _Stated) -> bool:
        everybody = (*self.passages, self.own)
        facts = frozenset[str]().union(*(each.whole.facts for each in everybody))
        if any(fact.accepts and not fact.accepts & facts for fact in stated.read.stated):
            return False
        if any(each.turns(stated, SURE) for each in self.passages):
            return any(each.holds(stated, CLEAR) for each in everybody)
        if _NO_FACT.search(stated.read.text):
            return True
        total = sum(word.weight for word in stated.words)
        held = sum(
            word.weight * max(each.whole.supports(word) for each in everybody) for word in stated.words
        )
        return held >= HARDLY * total


def _share(stated: _Stated, sentence: Source) -> float:
    total = sum(word.weight for word in stated.words)
    return sum(word.weight * sentence.supports(word) for word in stated.words) / total
