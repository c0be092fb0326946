"""What an answer tells the customer to do, and with what: a step nobody wrote names things nobody named."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ccos.quality.features.agreement import Part
from ccos.quality.features.support import Held

_INSTRUCTS = re.compile(
    r"누르|눌러|선택|고르|골라|보내 ?주|방문|첨부|제출|입력|설정|설치|지우|내려받|다운|가져|오시면|오셔"
    r"|들고|떼어|접속|들어가|연결|초기화|재부팅|전화|팩스|우편|메일|신청|접수|작성|등록|[하으]세요|주세요"
    r"|십시오|시기 바랍|시면 ?[됩돼]"
    r"|\b(?:click|press|open|choose|select|send|visit|attach|enter|install|call|go to|please|fill|upload)\b"
)
_OBJECT = re.compile(r"[가-힣](?:을|를|에서|으로|에|와|과)\Z")
USUAL = 0.8
"""What is known of a step where there is none."""


def steps(found: Sequence[Part], held: Held) -> dict[str, float]:
    """How well known the clauses are that instruct, and how many objects and places nobody brought up."""
    instructs = [_INSTRUCTS.search(part.clause.text) is not None for part in found]
    new = [_new_objects(part, held) for part in found]
    known = [held.known(part.clause.words) for part, does in zip(found, instructs, strict=True) if does]
    return {
        "steps": len(known) / max(1, len(found)),
        "step_least_known": min(known, default=USUAL),
        "step_known": sum(known) / len(known) if known else USUAL,
        "new_objects": math.log1p(sum(new)),
        "new_objects_most": float(max(new, default=0)),
        "step_new_objects": math.log1p(sum([n for n, does in zip(new, instructs, strict=True) if does])),
    }


def _new_objects(part: Part, held: Held) -> int:
    return sum(
        [
            word.weight >= 1.0 and _OBJECT.search(word.written) is not None and not held.knows(word)
            for word in part.clause.words
        ]
    )
