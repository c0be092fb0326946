"""Labelled answers: what people said of an answer to a question, given the evidence there was."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ccos.domain.errors import BadInput
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.prompt import Answer, Grounds, Language, Prompt, Turn
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Task, Tier

Label = Literal["approve", "edit", "reject"]

_LABELS: dict[object, Label] = {
    1: "approve", "1": "approve", "approved": "approve", "good": "approve", "yes": "approve",
    0: "reject", "0": "reject", "rejected": "reject", "bad": "reject", "no": "reject",
    "edited": "edit", "light_edit": "edit",
}  # fmt: skip
_HANGUL = re.compile("[가-힣]")
_LATIN = re.compile("[A-Za-z]")


def _label(value: object) -> object:
    return _LABELS.get(value, value) if isinstance(value, str | int | bool | float) else value


def _passages(value: object) -> object:
    """One passage may stand as a bare text; objects count by their title and their text."""
    if value is None:
        return ()
    listed = [value] if isinstance(value, str | dict) else value
    if not isinstance(listed, list):
        return value
    return [_passage(each) if isinstance(each, dict) else each for each in listed]


def _passage(value: dict[str, object]) -> object:
    words = [value.get(name) for name in ("title", "text", "snippet", "body")]
    return "\n".join(word for word in words if isinstance(word, str) and word) or value


class LabelledAnswer(BaseModel):
    """One line of a labelled set; names it does not know are left alone.

    `label`: "approve" and "edit" (sent with a light edit) are good, "reject" is not; 1 and 0 stand for the
    first and the last. `ticket_id` groups the lines that must not be told apart by a split. `generator` is
    who wrote the answer. `logprobs` are its tokens' log-probabilities, where a provider gave them.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    question: str = ""
    evidence: Annotated[tuple[str, ...], BeforeValidator(_passages)] = ()
    answer: str
    label: Annotated[Label, BeforeValidator(_label)]
    task: Task | None = None
    language: Language | None = None
    generator: str | None = None
    ticket_id: str | None = None
    intent: str | None = None
    tier: Tier | None = None
    reasons: tuple[str, ...] = ()
    kind: str | None = Field(None, description="How the line was made, in a set that was written")

    @property
    def good(self) -> bool:
        return self.label != "reject"

    @property
    def told_task(self) -> Task:
        """The task it names; without a question there is only a claim to hold against its evidence."""
        return self.task or (Task.SOLUTION_DRAFT if self.question.strip() else Task.KB_SYNTHESIS)

    @property
    def told_language(self) -> Language:
        return self.language or language_of(self.question or self.answer)

    @property
    def group(self) -> str:
        """Lines of one group stay on one side of every split: one ticket, else one question and evidence."""
        return self.ticket_id or "\0".join((self.question, *self.evidence))

    def prompt(self) -> Prompt:
        """The prompt the answer is judged under."""
        ticket = Ticket(description=self.question) if self.question.strip() else None
        evidence = tuple(
            Evidence(n=n, kind=EvidenceKind.KB, id=f"e{n}", title="", snippet=text, score=0.0)
            for n, text in enumerate(self.evidence, start=1)
        )
        grounds = Grounds(
            ticket=ticket, evidence=evidence, language=self.told_language, intent=self.intent or "other"
        )
        turns = (Turn("user", self.question),) if self.question.strip() else ()
        return Prompt(self.told_task, "", turns, grounds)

    def as_answer(self) -> Answer:
        return Answer(self.answer, provider=self.generator or "unknown", model=self.generator or "unknown")


def language_of(text: str) -> Language:
    """Korean where at least three letters of ten are Hangul: product names and codes are Latin anywhere."""
    hangul, latin = len(_HANGUL.findall(text)), len(_LATIN.findall(text))
    return "ko" if hangul and hangul >= 0.3 * (hangul + latin) else "en"


def read_labelled(path: Path) -> list[LabelledAnswer]:
    """All lines of a labelled set, `.jsonl` or `.jsonl.gz`.

    Raises BadInput that names the first line at fault, or says that there is none at all.
    """
    found = list(parse_labelled(read_lines(path), path.name))
    if not found:
        raise BadInput(f"{path.name} holds no labelled answers: write one JSON object a line.")
    return found


def parse_labelled(lines: Iterable[str], name: str) -> Iterator[LabelledAnswer]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield LabelledAnswer.model_validate(json.loads(line))
        except ValidationError as fault:
            first = fault.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise BadInput(f"{name}, line {number}: {where}: {first['msg']}.") from None
        except ValueError:
            raise BadInput(f"{name}, line {number} is not a JSON object.") from None


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a plain or gzipped text file. Raises BadInput for one that cannot be read."""
    try:
        with _opened(path) as file:
            yield from file
    except (OSError, EOFError, UnicodeDecodeError) as fault:
        sentence = f"{path.name} cannot be read: give a JSON Lines file in UTF-8, plain or gzipped."
        raise BadInput(sentence) from fault


def _opened(path: Path) -> IO[str]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rt", encoding="utf-8-sig") if packed else path.open(encoding="utf-8-sig")
