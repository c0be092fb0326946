"""Does each clause of an answer say what the evidence's nearest clause says?

An answer that was spoiled in one place shares nearly all its words with the evidence. What gives it away is
local: a denial where the evidence has none, another period or amount than the one that stands with these
words, a condition of one rule with the consequence of another, a clause nobody wrote among clauses that all
are there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ccos.quality.features.cues import NAMES, NOT, bare
from ccos.quality.features.sources import Clause, Nearest, Sentence, Source, aligned
from ccos.quality.features.support import Held, Said
from ccos.quality.quantities import Quantity

NEAR = 0.3
"""From this nearness on, two clauses are about the same thing."""

_THIN = 0.8
_PROMISES = re.compile(
    r"드리겠|드릴게|하겠습니다|할게요|두겠습니다|처리했|취소했|(?:해|내|놓|두)었습니다|보장|책임지고"
    r"|\b(?:we|i)(?:'ll| will| promise| guarantee)\b"
)
_GIFTS = re.compile(
    r"면제|보상|위로금|적립금|포인트|쿠폰|일당|물어 드|무료|무상|사은품|환불|취소|승인|따로 맡|책임지고"
    r"|권한으로"
    r"|반드시|꼭|특별히|이번만|한하여|예외|새 (?:제품|상품)|먼저 보내|할인"
    r"|\b(?:refund|compensat\w+|waive|free|discount|credit|coupon|guarantee|exception)\b"
)
_EXCEPTS = re.compile(
    r"이번만|이번에만|특별히|예외|반드시|꼭|무조건|상관없|관계없|언제든|언제라도|누구나|어느 단계|몇 번이든"
    r"|모두 무료|걱정 ?(?:마|하지)|않(?:아도|으셔도)|(?:셔|하)도 (?:됩|돼|괜찮)|괜찮|똑같이|그대로|그냥"
    r"|\b(?:exception|guarantee|regardless|no matter)\b"
)


@dataclass(frozen=True, slots=True)
class Part:
    """One clause of the answer beside the evidence; `facts` are those the customer did not tell."""

    clause: Clause
    support: float
    aligned: Sequence[Nearest]
    facts: tuple[Quantity, ...]

    @property
    def near(self) -> Nearest | None:
        return self.aligned[0] if self.aligned else None

    @property
    def nearness(self) -> float:
        return self.near.nearness if self.near else 0.0


def parts(answer: Source, said: Sequence[Said], held: Held, asked: Source) -> list[Part]:
    """The clauses of the answer that claim something."""
    return [
        Part(
            clause=clause,
            support=held.of(clause.words),
            aligned=aligned(held.sources, clause.words),
            facts=tuple([fact for fact in answer.facts_in(clause) if not fact.accepts & asked.facts]),
        )
        for clause in answer.clauses
        if clause.weight >= _THIN and not said[clause.sentence].courtesy
    ]


def agreed(found: Sequence[Part], sources: Sequence[Source]) -> dict[str, float]:
    """What gives a spoiled answer away."""
    n = max(1, len(found))
    flips = [part.nearness for part in found if part.near and part.clause.denies != part.near.clause.denies]
    supports = [part.support for part in found]
    promises = [part for part in found if _PROMISES.search(part.clause.text)]
    return {
        "flipped": max(flips, default=0.0),
        "flips": math.log1p(sum(nearness >= NEAR for nearness in flips)),
        "flips_share": len(flips) / n,
        "clause_weakest": min(supports, default=0.0),
        "clause_contrast": sum(supports) / n - min(supports, default=0.0),
        "clause_nearness": sum(part.nearness for part in found) / n,
        "clause_farthest": min((part.nearness for part in found), default=0.0),
        "promises": math.log1p(len(promises)),
        "promise_alone": max((1.0 - part.support for part in promises), default=0.0),
        "gives": math.log1p(sum(bool(_GIFTS.search(part.clause.text)) for part in promises)),
        "excepts": sum(_new_exception(part) for part in found) / n,
        **_facts(found, sources),
    }


def _facts(found: Sequence[Part], sources: Sequence[Source]) -> dict[str, float]:
    """Facts the evidence has, but not in the clause with these words, and facts that clause has otherwise."""
    stated = [(part, fact) for part in found for fact in part.facts]
    known: frozenset[str] = (
        frozenset().union(*[source.facts for source in sources]) if stated else frozenset()
    )
    misplaced, contrary = [], []
    for part, fact in stated:
        if part.near is None or part.nearness < NEAR:
            continue
        beside = sources[part.near.source].facts_in(part.near.clause)
        if any(fact.accepts & other.offers for other in beside):
            continue
        if fact.accepts & known:
            misplaced.append(part.nearness)
        if any(fact.kind == other.kind for other in beside):
            contrary.append(part.nearness)
    return {
        "facts": math.log1p(len(stated)),
        "facts_known": sum(bool(fact.accepts & known) for _, fact in stated) / max(1, len(stated)),
        "misplaced": max(misplaced, default=0.0),
        "misplaced_share": len(misplaced) / max(1, len(stated)),
        "contrary": max(contrary, default=0.0),
        "contrary_share": len(contrary) / max(1, len(stated)),
    }


def _new_exception(part: Part) -> bool:
    return bool(_EXCEPTS.search(part.clause.text)) and not (
        part.near and _EXCEPTS.search(part.near.clause.text)
    )


def compared(claims: Mapping[int, Sentence], found: Sequence[Part], held: Held) -> dict[str, float]:
    """Shares of the sentences that have a small word, and that have it where the evidence does not.

    `contradicts` is the worst: how much of a sentence stands in the evidence while its sense does not. A
    sentence is compared with the one that its nearest clause is in.
    """
    n = max(1, len(claims))
    near: dict[int, Nearest] = {}
    for part in found:
        number = part.clause.sentence
        if part.near and (number not in near or part.nearness > near[number].nearness):
            near[number] = part.near
    beside = [(claims[number], each.sentence) for number, each in near.items() if number in claims]
    shares: dict[str, float] = {}
    for at, name in enumerate(NAMES):
        has = sum(one.cues[at] for one in claims.values())
        kept = sum(other.cues[at] and one.cues[at] for one, other in beside)
        shares |= {f"cue_{name}": has / n, f"new_{name}": (has - kept) / n}
    figures = sum(len(one.numbers) for one in claims.values())
    elsewhere = sum(len(one.numbers - other.numbers) for one, other in beside if other.numbers)
    flipped = [held.of(one.words) for one, other in beside if one.cues[NOT] != other.cues[NOT]]
    return {
        **shares,
        "contradicts": max(flipped, default=0.0),
        "numbers_elsewhere": elsewhere / max(1, figures),
    }


def missing_numbers(answer: Source, known: Sequence[Source]) -> float:
    """The share of the answer's figures, units aside, that nobody brought up."""
    own = bare(answer.numbers)
    there = bare(frozenset().union(*(source.numbers for source in known)))
    return len(own - there) / len(own) if own else 0.0
