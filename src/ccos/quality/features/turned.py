"""Does a verb of the answer say the opposite of what the same verb says in the evidence?

Clauses are compared elsewhere as wholes. Here one verb, or one noun that carries a verb, is held against
itself: "돌려주셔야 합니다" beside "돌려주지 않으셔도 됩니다". And so is one small particle: what "X는" may
not do cannot be done by "X도".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from ccos.quality.features.agreement import Part
from ccos.quality.features.sources import Clause, Source, passage_source
from ccos.quality.features.text import Word, letters

_REST = "[가-힣]{0,4}?"
_JOINT = r"(?:[은는이가을를도]|에는|으로는|로는)? ?"
"""Between a noun and the verb that it carries."""

_ONCE = "[할될실을릴일질칠꿀쓸낼]"
_SAYS = re.compile(
    rf"(?P<condition>{_REST}(?:지 ?(?:않|못|마|말)[가-힣]{{0,3}}|수 없[가-힣]{{0,2}})?"
    r"(?:[가-힣]면|경우|때)(?=[ ,은는에]|$))"
    rf"|(?P<spared>{_REST}(?:지 ?않으?[셔아]?[가-힣]?도|[실할] 필요[는가]? ?없)"
    rf"|{_JOINT}(?:하|내|받)지 ?않[으셔아]{{0,2}}도)"
    rf"|(?P<refused>{_REST}(?:지(?:는|도|를)? ?(?:않|못|마|말)|{_ONCE} ?수[는가도]? ?없"
    r"|기[는가]? ?(?:어렵|힘들))"
    rf"|{_JOINT}(?:(?:하|되|받으)?[할실] )?"
    r"(?:수[는가도]? ?없|안 ?[되됩돼된됨하합해]|불가|어렵|어려|못 ?[하합해]|제외|금지|거절|없[습어으다고])"
    rf"|{_JOINT}(?:하|되|드리|해 드리|받|내)지[는도]? ?(?:않|못))"
    rf"|(?P<bound>{_REST}야만? ?[합해하됩되돼]|{_JOINT}(?:[하내]셔야|해야|필수|의무|필요(?:합|해|하)))"
    rf"|(?P<allowed>{_REST}(?:{_ONCE} ?수[는가도]? ?있|[가-힣]도 ?(?:됩|돼|되|괜|좋))"
    rf"|{_JOINT}(?:하?[할실] )?(?:수[는가도]? ?있|가능|됩니다|돼요|되며|되고|되십|괜찮))"
    rf"|(?P<plain>{_REST}(?:니다|[아어해돼여려워와예에]요|며|고|는데|지만|세요|시오|으니|므로|니까)"
    r"(?=[ .,!?\n]|$)"
    rf"|{_JOINT}(?:합니다|해요|드립니다|드려요|받습니다|받아요|있습니다|있어요))"
)
"""The first that fits: what a verb says, from the middle of its word on."""

_WORD = re.compile("[가-힣]{2,}")
_LIGHT = frozenset("되하돼됩됐합해할될드")
"""What carries other verbs is none to compare."""

_ENDS = frozenset("지기셔시실십습니고며는으을아어야서요세")
"""What may follow a stem of one syllable."""

_REACH = 20
"""Characters after a verb's beginning in which it says what it says."""

_IF = re.compile(r"(?:[가-힣]면|(?:경우|때)(?:에는|에|는|만)?)[^가-힣]*$")
MOST_PLACES = 3
"""A word that is in more clauses of the evidence is everybody's subject."""

MOST_USES = 12
"""Uses of one verb in a passage: it bounds the time when all clauses are alike."""

Key = frozenset[str]


class _Says(NamedTuple):
    how: str
    of_clause: Key
    of_sentence: Key


def turned(found: Sequence[Part], answer: Source, passages: Sequence[Source]) -> dict[str, float]:
    """By how much the nearest opposite use of a verb is nearer than its nearest like use, at most; and
    whether "also" opens what the evidence closes, or closes what it opens."""
    known = [_of_passage(passage.text) for passage in passages]
    return {
        "turned": max((_worst(part.clause, answer, known) for part in found), default=0.0),
        "turned_also": max((_also(part.clause, passages) for part in found), default=0.0),
    }


@lru_cache(maxsize=256)
def _of_passage(text: str) -> Mapping[str, Sequence[_Says]]:
    """What each verb of a passage says; remembered, as the passages themselves are."""
    passage = passage_source(text)
    found: dict[str, list[_Says]] = {}
    for clause in passage.clauses:
        keys: tuple[Key, Key] | None = None
        for verb, how in dict.fromkeys(_verbs(clause.text)):
            told = found.setdefault(verb, [])
            if len(told) < MOST_USES:
                keys = keys or _keys(clause, passage)
                told.append(_Says(how, *keys))
    return found


def _worst(clause: Clause, answer: Source, known: Sequence[Mapping[str, Sequence[_Says]]]) -> float:
    worst = 0.0
    keys: tuple[Key, Key] | None = None
    for verb, how in dict.fromkeys(_verbs(clause.text)):
        told = [says for passage in known for says in passage.get(verb, ())]
        if any(_against(how, says.how) for says in told):
            keys = keys or _keys(clause, answer)
            worst = max(worst, _lead(_Says(how, *keys), told))
    return worst


def _verbs(text: str) -> Iterator[tuple[str, str]]:
    """What the verbs of a clause say outside conditions. A verb goes by its first two syllables, or by its
    first letters where its stem is one syllable."""
    for word in _WORD.finditer(text):
        written, start = word.group(), word.start()
        if written.endswith(("까지", "까지만", "부터")):
            continue
        verb, how = written[:2], _how(text, start + 2)
        if how is None and written[1] in _ENDS and written[0] not in _LIGHT:
            verb, how = letters(written[0])[:2], _how(text, start + 1)
        if how is not None and how != "condition":
            yield verb, how


def _how(text: str, start: int) -> str | None:
    found = _SAYS.match(text, start, start + _REACH)
    return found.lastgroup if found else None


def _keys(clause: Clause, source: Source) -> tuple[Key, Key]:
    return _key(clause.words), _key(source.sentences[clause.sentence].words)


def _key(words: Sequence[Word]) -> Key:
    told = [word for word in words if word.weight >= 0.5]
    return frozenset([word.stem for word in told] + [word.concept for word in told if word.concept])


def _lead(said: _Says, told: Sequence[_Says]) -> float:
    same = other = 0.0
    for says in told:
        near = (_alike(said.of_clause, says.of_clause) + _alike(said.of_sentence, says.of_sentence)) / 2
        if _against(said.how, says.how):
            other = max(other, near)
        else:
            same = max(same, near)
    return other - same


def _against(one: str, other: str) -> bool:
    return one != other and not {"refused", "spared"}.isdisjoint((one, other))


def _alike(one: Key, other: Key) -> float:
    return float(len(one & other) / (len(one) * len(other)) ** 0.5) if one and other else 0.0


def _also(clause: Clause, passages: Sequence[Source]) -> float:
    """Over how many clauses of the evidence the word with "also" is in, where all of them say otherwise."""
    if "도 " not in clause.text or _IF.search(clause.text):
        return 0.0
    worst = 0.0
    for word in {word.stem: word for word in clause.words if word.written[-1] == "도"}.values():
        if word.weight >= 1.0:
            told = [other for passage in passages for other in _with(word, passage)]
            if 0 < len(told) <= MOST_PLACES and all(_opposed(clause, other) for other in told):
                worst = max(worst, 1.0 / len(told))
    return worst


def _with(word: Word, passage: Source) -> list[Clause]:
    clauses = [passage.clauses[n] for n in passage.places.get(word.stem, ())]
    return [clause for clause in clauses if any(other.stem == word.stem for other in clause.words)]


def _opposed(one: Clause, other: Clause) -> bool:
    if _IF.search(other.text):
        return False
    mine, theirs = one.stance, other.stance
    return (mine == "refused") != (theirs == "refused") or {mine, theirs} == {"spared", "bound"}
