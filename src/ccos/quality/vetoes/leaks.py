"""Does it show the machine behind it: placeholders, control tokens, talk about being a model?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ccos.domain.verdict import Veto
from ccos.quality.reading import Reading
from ccos.quality.vetoes.family import Family

_PLACEHOLDER = re.compile(
    r"(?=[\[{<O○◯])(?:\{\{?\s?[A-Za-z가-힣][\w .가-힣-]{0,40}\}?\}"
    r"|\[[가-힣]{1,8}_\d{1,6}\]"
    r"|\[(?:고객명|고객님? ?(?:이름|성함)|상담[사원] ?(?:명|이름)|담당자명|회사명|업체명)\](?!\()"
    r"|[\[<](?:your|customer|insert|company|agent|client|user|order|product)[ _][A-Za-z _-]{1,40}[\]>](?!\()"
    r"|(?<![A-Za-z0-9])[O○◯]{2,3}\s?(?:고객|회원)?님)",
    re.IGNORECASE,
)
_TO_FILL_IN = re.compile(
    r"name|customer|client|agent|order|고객|이름|성함|상담|담당|_\d|[O○◯]{2}", re.IGNORECASE
)
"""Ours to fill even when a template in the evidence has them; `<your_folder>` of a manual is not."""

_CONTROL = re.compile(
    r"(?=[<\[\ufffd\s#as어시])(?:<\|[\w ]{1,40}\|>|\[/?INST\]|</?s>|<</?SYS>>|</?think>"
    r"|</?(?:start|end)_of_turn>|</?tool_call>|\ufffd"
    r"|^\s{0,3}#{2,4}\s?(?:Instruction|Response|System|Assistant)\b|^(?:assistant|system|어시스턴트|시스템)\s?:)",
    re.IGNORECASE | re.MULTILINE,
)
_SELF_TALK = re.compile(
    r"(?=[aikms인언저시학])(?:\bas an? (?:ai|artificial intelligence)\b|\bai language model\b"
    r"|\bi(?: am|'m) (?:just )?an? (?:ai|language model)\b"
    r"|\bknowledge cut-?off\b|\bsystem prompt\b|\bmy training data\b"
    r"|(?:AI|인공지능)\s?(?:언어\s?)?모델(?:로서|이므로|이라서|입니다|이기)|언어\s?모델로서"
    r"|저는\s(?:AI|인공지능|챗봇)|시스템\s?프롬프트|학습\s?데이터)",
    re.IGNORECASE | re.ASCII,
)
_OURS = re.compile(
    r"(?=[acglmoqrt])(?:\btier[_-]\d\b|\b(?:cloud_premium|local_minimax|local_tinyllama|rule_based)\b"
    r"|(?<![a-z])(?:gpt-?[345][\w.-]{0,20}|llama-?\d[\w.-]{0,20}|qwen[\w.-]{0,20}"
    r"|chatgpt|openai|anthropic|claude|minimax|tinyllama|gemini|mistral)(?![a-z]))",
    re.IGNORECASE | re.ASCII,
)
_SAYS = {
    "placeholder": "The answer has a placeholder that nobody filled in.",
    "control": "The answer has markup that is meant for the model.",
    "self": "The answer talks about being a model.",
    "ours": "The answer names a model or a tier.",
}


def _look(reading: Reading) -> Iterator[Veto]:
    text = reading.folded.text
    for match in _PLACEHOLDER.finditer(text):
        if _TO_FILL_IN.search(match.group()) or match.group().casefold() not in reading.known_text:
            yield _veto(reading, "placeholder", "placeholder", match.span())
    for match in _CONTROL.finditer(text):
        yield _veto(reading, "leak", "control", match.span())
    for match in _SELF_TALK.finditer(text):
        yield _veto(reading, "leak", "self", match.span())
    for match in _OURS.finditer(text):
        if match.group().casefold() not in reading.known_text:  # a customer may ask about such a product
            yield _veto(reading, "leak", "ours", match.span())
    model = reading.answer.model
    if (
        len(model) >= 5
        and any(c.isdigit() for c in model)
        and (at := text.casefold().find(model.casefold())) >= 0
    ):
        yield _veto(reading, "leak", "ours", (at, at + len(model)))


def _veto(reading: Reading, kind: str, says: str, span: tuple[int, int]) -> Veto:
    return Veto(kind, _SAYS[says], "repair", reading.folded.original(*span))


LEAKS = Family("clean", ("placeholder", "leak"), "It shows nothing of the machine.", _look)
