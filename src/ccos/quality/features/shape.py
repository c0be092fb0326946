"""How an answer is made, whatever it says: length, repetition, refusal, hedging, speech."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ccos.quality.features.courtesy import asks_back, manners
from ccos.quality.features.support import Said
from ccos.quality.features.text import chains
from ccos.quality.vetoes.manners import level

_REFUSES = re.compile(
    r"답변(?:을|이)? ?(?:드리기 어렵|드릴 수 없|할 수 없)|도와드릴 수 없|알 수 없|확인(?:이"
    r"|할 수) ?(?:어렵|없|불가)|정보가 없|내용이 없"
    r"|안내(?:가|해 드리기|드리기) ?어렵|\bi (?:can't|cannot|am unable|don't know)|\b(?:no information"
    r"|not sure|i have no idea)\b"
)
_HEDGES = re.compile(
    r"수도 있|것 같|듯합|듯 합|아마|추정|예상|일 수 있|정확하지 않|확실하지 않|보입니다|\b(?:maybe"
    r"|might|perhaps|probably|i think|i guess|seems?|likely)\b"
)
_SELF = re.compile(r"저는|제가|제 생각|나는|내가|\b(?:i|i'm|i've|i'd|my|me|mine)\b")
_RUDE = re.compile(
    r"알아서|귀찮|짜증|그것도 모르|이미 말(?:했|씀)|몇 번을|당신|억지|따지|무책임|상식|못 알아"
    r"|그만 (?:하|문의)|하십니까"
    r"|(?:고객님|본인|저희) ?(?:의 |께서 |이 )?(?:잘못|책임|실수|과실|탓)(?!이니|으로 인)|(?:셨|었"
    r"|았)어야|셨다면 .{0,20}(?:없었|않았)"
    r"|(?:화내|흥분하|재촉하|우기)지|(?:만|부터) (?:읽|보|확인)|읽(?:지|어 ?보)|다음부터는|스스로 확인"
    r"|원래 (?:그|기|다)|믿기 어렵|잊으신|부주의"
    r"|\b(?:whatever|obviously|stupid|your (?:own )?fault|not our problem|deal with it|calm down"
    r"|as i already)\b"
)


def shaped(
    text: str, said: Sequence[Said], asked: int, evidence_characters: int, language: str
) -> dict[str, float]:
    """All of it is about the answer's own words, in lower case; `asked` is the length of the question."""
    stems = [word.stem for one in said for word in one.sentence.words]
    pairs = list(chains(stems, 2))
    size = len(text)
    n = max(1, len(said))
    spoken = [level(one.sentence.text.strip()) for one in said] if language == "ko" else []
    told = [each for each in spoken if each]
    return {
        "length": math.log1p(size),
        "length_to_question": math.log((size + 20) / (asked + 20)),
        "length_to_evidence": math.log((size + 50) / (evidence_characters + 50)),
        "long": max(0.0, math.log((size + 1) / 700)),
        "short": max(0.0, math.log(120 / (size + 1))),
        "repeats": 1.0 - len(set(pairs)) / len(pairs) if pairs else 0.0,
        "refuses": float(bool(_REFUSES.search(text))),
        "hedges": sum(bool(_HEDGES.search(one.sentence.text)) for one in said) / n,
        "of_itself": min(1.0, len(_SELF.findall(text)) / max(1, len(stems)) * 5),
        "rude": float(min(2, len(_RUDE.findall(text)))),
        "asks_back": sum(asks_back(one.sentence.text) for one in said) / n,
        "exclaims": min(3.0, text.count("!")) / n,
        "formal": sum(each == "formal" for each in told) / max(1, len(told)),
        "casual": sum(each == "casual" for each in told) / max(1, len(told)),
        **manners(text),
    }
