"""How an answer speaks to the customer: reproach, commands, rhetorical questions, remarks, no kind word.

A rude sentence seldom stands in the evidence, and that tells it from a strict rule.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ccos.quality.features.sources import Source
from ccos.quality.features.support import Held, Said

_REPROACHES = re.compile(
    # you should have known
    r"상식|당연|뻔[한히]|굳이|고작|기본(?:적인|입니다|이에요|이죠)|아시(?:잖|겠|면서)|아실 ?텐데"
    r"|정도는|그런 것도"
    r"|제대로|똑바로|잘 좀|먼저 읽|읽어 ?보|읽지|만 (?:읽|보|확인)|확인(?:하지|도 안|을 안|부터)"
    r"|[셨었았했]어야|하셔야지"
    r"|[셨었]으면 (?:됐|되었|없)|그러게|진작|이해를? ?(?:못|안)|못 ?알아|무슨 말|말이 (?:되|안)"
    # you asked before
    r"|몇 ?번[을이]?나? ?(?:말|설명|안내|물)|여러 번 (?:말|설명|안내)|이미 (?:말|설명|안내|적|써)"
    r"|또 (?:물|문의|같은)|같은 (?:질문|말|문의)|그만|더 ?이상 (?:문의|묻|답)"
    # your fault, not ours
    r"|잘못(?:하신|은 고객|이십|이세|입니다|이에요)|책임(?:이십|은 고객|입니다|이에요|이세|질|이? ?아니)"
    r"|실수(?:하신|이십|입니다|이에요|세요)|부주의|소홀|신경 ?쓰지|탓[이하을]|알 바"
    r"|상관없는 일|하든[지가]|알아서|어쩔 수 없|어쩌라|곤란|마음대로|멋대로|함부로|무턱대고|막무가내"
    # what you feel is wrong
    r"|떼를|우기|따지|억지|화[를부만]? ?내|재촉|성급|조급|유난|예민|흥분|과장|불평|투정"
    r"|참으|가만히|너무하|욕심|핑계|변명"
    r"|믿기 어렵|거짓|의심|귀찮|바쁘|바쁜|황당|한심|당신|별것|별일|대수|원래 [그기다]|다들|남들"
    r"|\b(?:obviously|clearly you|as (?:i|we)(?: have|'ve)? (?:already )?(?:said|told|explained)|common sense"
    r"|your (?:own )?(?:fault|mistake|problem|responsibility)|should(?:n't)? have|calm down|stop \w+ing"
    r"|whatever|deal with it|not our (?:problem|fault)|read the|pay attention|if you had|everyone knows"
    r"|as anyone|next time)\b"
)
_FORBIDS = re.compile(r"지 ?(?:마세요|마십시오|말아 ?주|마시[기고길])|\b(?:do not|don't|stop)\b")
_RHETORICAL = re.compile(
    r"(?:왜|어떻게|어째서|무슨|뭐|뭘|설마|대체)[^?.!\n]{0,40}(?:나요|까요|니까|는데요|는지요|죠|세요)[?.!]"
    r"|잖아요|잖습니까|거든요|시나요\.|하십니까|[셨겠]습니까|[셨]나요\."
    r"|\b(?:why (?:would|did|didn't|do|don't) you|what did you expect|did you (?:even|really))\b"
)
_REQUESTS = re.compile(r"주시|알려|말씀|괜찮으|원하|필요하|\b(?:could|would|please)\b")
_KIND = re.compile(
    r"죄송|사과|불편|감사|고맙|부탁|양해|아쉽|안타깝|속상|걱정|놀라|답답하셨|당황|실망|번거|기다리|겠어요|겠습니다"
    r"|심려|소중|반갑|기쁘|축하|쾌유|바랍니다|바라|셨군요|셨네요|네,|드리겠|드릴게|드려요"
    r"|\b(?:sorry|apolog\w+|thank\w*|understand|glad|happy|appreciate|hope|yes)\b"
)
_TELLS = re.compile(r"\d|세요|시오|주시|바랍|면 |\b(?:please|you can|if)\b")
_FEELS = re.compile(
    r"죄송|사과|속상|불편|놀라|실망|답답하셨|당황|심려|걱정|의아|마음|\b(?:sorry|apolog\w+|understand|frustrat\w+)\b"
)
_COMPLAINS = re.compile(
    r"!!|ㅡㅡ|[ㅠㅜ]|;;|화가|짜증|실망|불만|너무하|어이|황당|사기|왜 |벌써|아직도|대체|답답|억울"
    r"|속상|귀찮|장난|뭐하|이게 뭐|가만|신고|소비자원|해지할|책임"
    r"|\b(?:angry|furious|ridiculous|unacceptable|terrible|worst|disappoint\w+|scam|again|still)\b"
)
MOST_COMPLAINTS = 3
LEAST_REMARK = 9
"""Characters of a sentence that remarks something."""


def toned(
    said: Sequence[Said], held: Held, asked: Source, passages: Sequence[Source], text: str
) -> dict[str, float]:
    """`text` is the answer in lower case. A reproach and a remark count by how much of them is nobody's."""
    reproach = forbids = rhetorical = remark = 0.0
    for one in said:
        sentence = one.sentence.text
        new = 1.0 - held.meaning(one.sentence.words) if one.sentence.words else 0.0
        if _REPROACHES.search(sentence):
            reproach += new
        if _FORBIDS.search(sentence) and not any(_FORBIDS.search(passage.text) for passage in passages):
            forbids += 1.0
        if _RHETORICAL.search(sentence) and not _REQUESTS.search(sentence):
            rhetorical += 1.0
        if not one.courtesy and len(sentence) >= LEAST_REMARK and not _TELLS.search(sentence):
            remark = max(remark, 0.0 if _KIND.search(sentence) else new)
    complaints = min(MOST_COMPLAINTS, len(_COMPLAINS.findall(asked.text)))
    return {
        "reproach": min(2.0, reproach),
        "forbids": min(2.0, forbids),
        "rhetorical": min(2.0, rhetorical),
        "remark": remark,
        "cold": 0.0 if _FEELS.search(text) else complaints / MOST_COMPLAINTS,
    }
