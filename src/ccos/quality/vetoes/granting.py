"""What a text grants of an act: each mention is judged by its own clause, not by the whole sentence.

"교환은 어렵고 환불만 가능합니다" grants a refund and denies an exchange; "같은 책이 없으면 환불합니다" sets a
condition and denies nothing; "환불이 안 되면 교환해 드립니다" grants the exchange alone.
"""

from __future__ import annotations

import re
from itertools import islice

from ccos.quality.folding import sentences

MOST_MENTIONS = 200
"""Mentions of an act that are looked at in one text, and below characters on either side of each."""
WINDOW = 300

_BREAK = re.compile(
    r"[,;]\s|(?<=[가-힣])(?:고|며|지만|으나|거나|는데|은데|니|므로|면|도|어서|아서|해서|여서|경우|때|때에는|뒤|후)(?=\s)"
    r"|\s(?=(?:but|unless|if|however|while|although)\s)",
    re.IGNORECASE,
)
_GRANT = re.compile(
    r"드립니다|드리겠|드리며|합니다|됩니다|가능|받으실 수|받을 수|제공|지급|처리|승인|해 준다|한다|둡니다"
    r"|(?:하|되|되시|하시|드리|드리거|받으시)(?:고|며|거나)"
    r"|\b(?:can|will|may|refunded|eligible|entitled|offer|issue|provide|receive|grant|waived|processed"
    r"|(?:is|are) (?:held|kept|reserved))\b",
    re.IGNORECASE,
)
_DENIAL = re.compile(
    r"불가|않|어렵|어려우|어려운|없|못|안 됩|안 되|안 된|제외|금지"
    r"|\b(?:cannot|can't|not|never|no|unable|excluded|without)\b",
    re.IGNORECASE,
)
_HYPOTHETICAL = re.compile(
    r"(?:없|않|못\s?하|안\s?되|안\s?하|불가하)"
    r"(?:으?면|으시면|을 때|을 경우|는 경우|은 경우|는 때|더라도|으시더라도|[어아]도|으셔도)"
    r"|(?:어려우|불가능하)(?:시?면)|없이|뿐(?:만)? 아니라|제외하(?:고는?|면)|제외한"
    r"|\bif (?:\w+ ){0,4}(?:not|no|cannot)\b|\bnot only\b",
    re.IGNORECASE,
)
"""Denies a condition, or excepts something from what follows: the main clause may grant it all the same."""

_OF_THE_ACT = re.compile(
    r"\w{0,2}(?:이나|나|과|와|및)?(?:\s?(?:처리|접수|신청|자체))?(?:이|가|은|는|도|을|를|만)?\s?"
    r"(?:해\s드리지|하지|되지|해\s주지|안\s?되|안\s?됩|안\s?돼|안\s?된|못|불가|어렵|어려|없)"
)
"""Right after the act, even a condition denies it: "환불이 안 되면"."""

_MAY = re.compile(r"(?:을|를)?\s?(?:신청|요청|접수)?\s?(?:하실|할) 수 있")
"""Right after the act it is allowed; a rule that one "can look up" grants nothing."""


def affirms(act: re.Pattern[str], others: re.Pattern[str], text: str) -> bool:
    """Whether some mention of `act` is granted; `others` finds every act, where the walk to the verb ends."""
    spans = sentences(text) if act.search(text) else ()
    mentions = (
        (mention, text[start:end]) for start, end in spans for mention in act.finditer(text[start:end])
    )
    return any(_granted(mention, others, sentence) for mention, sentence in islice(mentions, MOST_MENTIONS))


def denies(text: str) -> bool:
    """Whether a short note, such as a recorded action, says no."""
    return bool(_DENIAL.search(_HYPOTHETICAL.sub("", text)))


def _granted(mention: re.Match[str], others: re.Pattern[str], sentence: str) -> bool:
    """From the mention on, clause by clause, until one grants or denies it or speaks of another act.

    Korean verbs follow their noun. In an English sentence what stands before the mention counts as well.
    """
    if _OF_THE_ACT.match(sentence, mention.end()):
        return False
    if _MAY.match(sentence, mention.end()):
        return True
    first, last = max(0, mention.start() - WINDOW), min(len(sentence), mention.end() + WINDOW)
    cuts = [found.end() for found in _BREAK.finditer(sentence, first, last)]
    start = max((cut for cut in cuts if cut <= mention.start()), default=first)
    ends = [*(cut for cut in cuts if cut >= mention.end()), last]
    at = start if mention.group().isascii() else mention.start()
    for end in ends:
        clause = _HYPOTHETICAL.sub(" ", sentence[at:end])
        if at > mention.start() and others.search(clause):
            return False
        if _DENIAL.search(clause):
            return False
        if _GRANT.search(clause):
            return True
        at = end
    return False
