"""What a clause leaves the customer to do: may, may not, must, need not.

"받지 않아도 됩니다" and "받을 수 없습니다" both deny something, and mean opposite things.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ccos.quality.features.agreement import Part

Stance = Literal["", "allowed", "refused", "bound", "spared"]

_STANCES: tuple[tuple[Stance, re.Pattern[str]], ...] = (
    (
        "spared",
        re.compile(
            r"(?:지 ?않|안 ?하|지 ?마)\S{0,3}(?:아|셔|으셔)도|(?:필요|의무|것|일)\S{0,3} ?없|없이도|생략"
            r"|\b(?:need not|(?:do|does)(?: not|n't) (?:need|have) to|no need to)\b"
        ),
    ),
    (
        "refused",
        re.compile(
            r"수 ?[가는도]? ?없|불가|안 ?[됩되돼된]|되지 ?(?:는 |도 )?않|어렵|어려"
            r"|못 ?[하해합]|지 ?못|받지 ?않|금지|제외|않습니다|않아요|않는다|않으며|않고|거절|없습니다|없어요"
            r"|\b(?:cannot|can't|may not|must not|not allowed|unable|won't)\b"
        ),
    ),
    (
        "bound",
        re.compile(
            r"[해셔어아여워와가내]야(?:만)? |[해셔어아]야 ?[합해하됩되돼]|필수|필요[합해하]|의무|반드시"
            r"|\b(?:must|have to|need to|required)\b"
        ),
    ),
    (
        "allowed",
        re.compile(
            r"수 ?[가는도]? ?있|가능|됩니다|돼요|되십|되며|되고|괜찮"
            r"|[하셔어아]도 ?(?:됩|돼|좋|괜)|\b(?:can|may|able to)\b"
        ),
    ),
)
_AGAINST: frozenset[tuple[Stance, Stance]] = frozenset(
    {
        ("allowed", "refused"), ("refused", "allowed"), ("bound", "spared"), ("spared", "bound"),
        ("", "refused"), ("refused", ""),
    }
)  # fmt: skip
_PAIRS: tuple[tuple[Stance, Stance], ...] = (
    *sorted(_AGAINST), ("allowed", "bound"), ("bound", "allowed"), ("spared", "refused"),
    ("refused", "spared"), ("allowed", "spared"), ("spared", ""), ("bound", ""),
)  # fmt: skip
NEAR = 0.15
"""From this nearness on, a clause of the evidence has a say."""


def stance(text: str) -> Stance:
    """The first that a clause, in lower case, has; a denial of a duty comes before a plain denial."""
    return next((name for name, words in _STANCES if words.search(text)), "")


def taken(found: Sequence[Part]) -> dict[str, float]:
    """Where the clauses of an answer stand against those of the evidence they are nearest to.

    `stance_worst` is the lead of the nearest clause that says the opposite over the nearest that does not: a
    rule and its exception often stand side by side, and either may be what is retold.
    """
    leads: list[float] = []
    turned: dict[tuple[Stance, Stance], float] = {}
    for part in found:
        mine = part.clause.stance
        same = other = 0.0
        for near in part.aligned:
            if near.nearness < NEAR:
                break
            if (mine, near.clause.stance) in _AGAINST:
                other = max(other, near.nearness)
            else:
                same = max(same, near.nearness)
        if same or other:
            leads.append(other - same)
            pair = (mine, part.aligned[0].clause.stance)
            turned[pair] = max(turned.get(pair, 0.0), part.nearness)
    return {
        "stance_worst": max(leads, default=0.0),
        "stance_mean": sum(leads) / max(1, len(found)),
        "stance_against": math.log1p(sum(lead > 0 for lead in leads)),
        **{
            f"stance_{one or 'plain'}_{other or 'plain'}": turned.get((one, other), 0.0)
            for one, other in _PAIRS
        },
    }
