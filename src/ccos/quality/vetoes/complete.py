"""Is there a whole answer? Empty, cut off, or going round in circles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from ccos.domain.prompt import Answer, Prompt
from ccos.domain.verdict import Veto
from ccos.quality.reading import Reading
from ccos.quality.vetoes.family import Family

LONG = 80
"""Characters from which an answer is expected to end like a sentence."""

LIMIT_SHARE = 0.9
"""An answer with so much of the tokens it was allowed has used them up: counts differ a little."""

_WORDS = re.compile(r"[^\W_]")
_CLOSERS = "*_`~\"')]}」』”’ \t\r\n\ufe0f"
_ENDS = re.compile(r"(?:[다요죠까오함음됨임림]|[^\w\s,])\Z")
_LINK = re.compile(r"https?://\S{1,500}\Z")
_ITEM = re.compile(r"\s*(?:[-*•·▪]|\d{1,2}[.)]|[가-하][.)])\s")
_DANGLING = re.compile(
    r"(?:,|(?<=[가-힣])(?:을|를|의|에게|에서|와|과)"
    r"|(?:^|\s)(?:및|또는|그리고|하지만|그러나|the|a|an|and|or|to|of|with|for|your))\Z"
)
_SIGN_OFF = re.compile(r"regards|sincerely|thank|best|드림|올림|감사", re.IGNORECASE)
_RUN = re.compile(r"([^\s\-=_*.~#|])\1{19,}")
_STRUCTURED = re.compile(r"(?s:```.*?```)|^[ \t]*\|.*$", re.MULTILINE)
_SHINGLE = 16


def _look(reading: Reading) -> Iterator[Veto]:
    text = reading.folded.text
    if not _WORDS.search(text):
        yield Veto("empty", "The answer has no words.", "escalate")
        return
    if reading.answer.finish_reason == "length" or cut_off(text):
        span = reading.folded.original(*reading.sentences[-1])
        yield Veto("truncated", "The answer stops before it ends.", "repair", span)
    if loop := looping(reading):
        yield Veto("looping", "The answer repeats itself.", "escalate", reading.folded.original(*loop))


def _look_present(reading: Reading) -> Iterator[Veto]:
    """Lists of queries or facts need not end like sentences, and may say the ticket's subject in each."""
    text = reading.folded.text
    if not _WORDS.search(text):
        yield Veto("empty", "The answer has no words.", "escalate")
        return
    yield from _look_uncut(reading)


def _look_uncut(reading: Reading) -> Iterator[Veto]:
    """A list may also be empty: there was nothing to list."""
    if reading.answer.finish_reason == "length":
        yield Veto("truncated", "The answer stops before it ends.", "repair")
    if loop := circling(reading.folded.text):
        yield Veto("looping", "The answer repeats itself.", "escalate", reading.folded.original(*loop))


def _look_spoken(reading: Reading) -> Iterator[Veto]:
    """A chat may answer with code or a table, whose lines end and repeat as they like."""
    text = reading.folded.text
    if not _WORDS.search(text):
        yield Veto("empty", "The answer has no words.", "escalate")
        return
    dangling = len(text) >= 40 and _DANGLING.search(text.rstrip())
    if cut_short(reading.answer, reading.prompt) or dangling or text.count("```") % 2:
        yield Veto("truncated", "The answer stops before it ends.", "repair")
    if circling(_STRUCTURED.sub("", text)):
        yield Veto("looping", "The answer repeats itself.", "escalate")


def cut_short(answer: Answer, prompt: Prompt) -> bool:
    """Whether a model's own limit ended the answer, and not the one its caller asked for."""
    at_limit = not answer.usage_reported or answer.tokens_out >= LIMIT_SHARE * prompt.max_tokens
    return answer.finish_reason == "length" and not at_limit


def cut_off(text: str) -> bool:
    """Whether the text stops mid-sentence. Headings, list items and signatures may end without a stop."""
    last = text.rstrip().rpartition("\n")[2]
    if text.count("```") % 2:
        return True
    if _SIGN_OFF.search(last) and len(last) <= 40:
        return False
    words = last.rstrip(_CLOSERS)
    if len(text) >= 40 and _DANGLING.search(words):
        return True
    ended = words != last or _ENDS.search(words) or _LINK.search(words[-500:]) or _ITEM.match(last)
    return len(text) >= LONG and len(last) > 30 and not ended


def looping(reading: Reading) -> tuple[int, int] | None:
    """Where the text starts to repeat: a long run, a sentence said three times, mostly repeated stretches."""
    return _said_thrice(reading) or circling(reading.folded.text)


def _said_thrice(reading: Reading) -> tuple[int, int] | None:
    said: Counter[str] = Counter()
    for start, end in reading.sentences:
        sentence = " ".join(reading.folded.text[start:end].casefold().split())
        if len(sentence) >= 10 and _WORDS.search(sentence):
            said[sentence] += 1
            if said[sentence] == 3:
                return start, end
    return None


def circling(text: str) -> tuple[int, int] | None:
    """A long run of one character, or a text that is mostly made of the same stretches."""
    if run := _RUN.search(text):
        return run.span()
    flat = " ".join(text.casefold().split())
    if len(flat) < 60:
        return None
    stretches = [flat[at : at + _SHINGLE] for at in range(len(flat) - _SHINGLE + 1)]
    if len(set(stretches)) > 0.7 * len(stretches):  # two of five cannot be there four times each
        return None
    seen = Counter(stretches)
    again = [stretch for stretch in stretches if seen[stretch] >= 4 and _WORDS.search(stretch)]
    return (0, len(text)) if len(again) > 0.4 * len(stretches) else None


COMPLETE = Family("complete", ("empty", "truncated", "looping"), "The answer is whole.", _look)
UNCUT = Family("complete", ("truncated", "looping"), "The answer is whole.", _look_uncut)
SPOKEN = Family("complete", ("empty", "truncated", "looping"), "The answer is whole.", _look_spoken)
PRESENT = Family("complete", ("empty", "truncated", "looping"), "The answer is there.", _look_present)
