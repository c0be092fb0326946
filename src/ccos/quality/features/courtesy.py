"""What is said for politeness: it needs no evidence, and it answers nothing."""

from __future__ import annotations

import re

_KOREAN = re.compile(
    r"안녕하[세십]|감사(?:합|드)|고맙습니다|죄송|사과드|사과의 말씀|불편을 (?:드|끼|겪)|심려를|양해"
    r"|문의(?:해|하여)? ?주셔|문의 ?주신"
    r"|기다려 ?주|번거로우|언제든|궁금하(?:신|시)|도움이 (?:되|필요)|도와 ?드리겠|답변 ?드리"
    r"|안내 ?(?:해 ?)?드리겠|안내 ?(?:해 ?)?드립니다"
    r"|좋은 하루|행복한 하루|건강|고객센터입니다|상담(?:사|원) ?\S{0,4}입니다|말씀해 ?주세요|(?:드림"
    r"|올림)\W*$|속상하|답답하|걱정|이해합니다|알겠습니다"
    r"|(?:셨|으시|프시|쁘시|지셨|하시)겠(?:습니다|어요|네요)|으셨군요|셨네요|(?:속상|아쉬"
    r"|안타)\S{0,4}(?:습니다|어요|워요)"
    r"|쾌유|회복을 바|되시길 바|보내시길|맛있게|예쁘게 (?:입|쓰)|마음을 이해|놀라셨|당황하셨|번거롭게"
    r"|확인해 ?보겠|확인(?: 후| 뒤)\S{0,3} (?:다시 )?(?:안내|연락|답변)"
)
_ENGLISH = re.compile(
    r"\b(?:hello|hi|hey|dear|thanks|thank you|sorry|apolog\w+|regards|sincerely|best wishes|feel free"
    r"|let (?:me|us) know|happy to help|glad to help|any (?:other|further|more) questions?"
    r"|have a (?:nice|great)"
    r"|reach out|get back to you|i understand|we understand|appreciate|welcome)\b"
)
_ASKS = re.compile(
    r"\?\W*$|(?:알려|보내|말씀해|회신해|남겨|첨부해|전달해) ?주(?:시겠|세요|시면|십시오|시기)"
    r"|\b(?:could|can|would|will) you\b|\bplease (?:send|tell|share|reply|provide|confirm|attach)\b"
)
_TELL = re.compile(
    r"\?\W*$|(?:알려|말씀해|회신해) ?주(?:시겠|세요|시면|십시오|시기)"
    r"|\b(?:could|can|would|will) you\b|\bplease (?:tell|share|reply|confirm)\b"
)
"""To ask for words is polite; to ask for things is a step, which needs a rule."""

_FIGURES = re.compile(r"\d")
LONG = 90
"""A longer sentence says more than thanks."""


def is_courtesy(sentence: str) -> bool:
    """Whether a sentence, in lower case, greets, thanks, apologises, closes, or asks for words."""
    if len(sentence) > LONG or _FIGURES.search(sentence):
        return False
    return bool(_KOREAN.search(sentence) or _ENGLISH.search(sentence) or _TELL.search(sentence))


def asks_back(sentence: str) -> bool:
    return bool(_ASKS.search(sentence))


_GREETS = re.compile(r"안녕하[세십]|반갑습니다|\b(?:hello|hi|hey|dear|good (?:morning|afternoon))\b")
_REGRETS = re.compile(r"죄송|사과|유감|불편을|\b(?:sorry|apolog\w+|regret)\b")
_CLOSES = re.compile(
    r"감사합니다|감사드립니다|고맙습니다|언제든|좋은 하루|드림\W*$|\b(?:thank|thanks|regards|sincerely"
    r"|feel free|any time)\b"
)


def manners(text: str) -> dict[str, float]:
    """Which courtesies there are, in a text in lower case."""
    return {
        "greets": float(bool(_GREETS.search(text))),
        "regrets": float(bool(_REGRETS.search(text))),
        "closes": float(bool(_CLOSES.search(text))),
    }
