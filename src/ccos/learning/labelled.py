"""Labelled answers: what people said of an answer to a question, given the evidence there was."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ccos.domain.errors import BadInput
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.prompt import Answer, Grounds, Language, Prompt, Turn
from ccos.domain.tenant import TenantSettings
from ccos.domain.ticket import Text, Ticket
from ccos.domain.tier import Task, Tier
from ccos.quality.folding import storable

Label = Literal["approve", "edit", "reject"]

_LABELS: dict[object, Label] = {
    1: "approve", "1": "approve", "approved": "approve", "good": "approve", "yes": "approve",
    0: "reject", "0": "reject", "rejected": "reject", "bad": "reject", "no": "reject",
    "edited": "edit", "light_edit": "edit",
}  # fmt: skip
_TASKS = frozenset(task.value for task in Task)
_LANGUAGES: dict[str, Language] = {
    "ko": "ko", "kor": "ko", "korean": "ko", "한국어": "ko",
    "en": "en", "eng": "en", "english": "en", "영어": "en",
}  # fmt: skip
_HANGUL = re.compile("[가-힣]")
_LATIN = re.compile("[A-Za-z]")

MOST_LINE_BYTES = 4_000_000
MOST_BYTES = 2_000_000_000
"""Of one line and of one file, unpacked: a small gzipped file can hold more than any memory does."""


def _label(value: object) -> object:
    known = value.strip().lower() if isinstance(value, str) else value
    return _LABELS.get(known, known) if isinstance(known, str | int | float) else value


def _name(value: object) -> object:
    """Ids and names may be numbers."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _names(value: object) -> object:
    if value is None:
        return ()
    return [value] if isinstance(value, str) else value


def _tier(value: object) -> object:
    return f"tier_{value}" if isinstance(value, int) and not isinstance(value, bool) else value


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


def _desk(value: object, evidence: object) -> object:
    """Its passages are the evidence of the line; another program's own word for a desk is none of ours."""
    if not isinstance(value, dict):
        return None
    listed = evidence if isinstance(evidence, list) else []
    whole = all(isinstance(each, dict) and "snippet" in each for each in listed)
    return {**value, "passages": listed} if whole else value


def _moment(value: object) -> object:
    """Another program's way to write a time is no fault of the label."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


Name = Annotated[str | None, BeforeValidator(_name)]
Storable = Annotated[str, BeforeValidator(storable)]
"""Of any length: the gate reads as much of it as it reads of any answer."""


class Desk(BaseModel):
    """What else a desk judged an answer by, so that it can be judged again as it was.

    `passages` are the line's evidence as it was found: what is public, what is a similar case, where it
    stands. `settings` holds the house's names and limits, `approved` the approved texts the answer quotes,
    `actions` what was really done, `usual_of_tier` the share of good answers expected of its tier.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    ticket: Ticket | None = None
    passages: tuple[Evidence, ...] = ()
    settings: TenantSettings = TenantSettings()
    approved: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    usual_of_tier: float | None = Field(None, gt=0, lt=1)


class LabelledAnswer(BaseModel):
    """One line of a labelled set; names it does not know are left alone.

    `label`: "approve" and "edit" (sent with a light edit) are good, "reject" is not; 1 and 0 stand for the
    first and the last. `ticket_id` groups the lines that must not be told apart by a split. `generator` is
    who wrote the answer. `task_name` and `language_name` are the line's own words for task and language:
    under a task that is none of ours it is judged as a reply to a customer. `desk` stands in lines that a
    desk exported.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    question: Annotated[Text, BeforeValidator(lambda value: "" if value is None else value)] = ""
    evidence: Annotated[tuple[Storable, ...], BeforeValidator(_passages)] = ()
    answer: Storable
    label: Annotated[Label, BeforeValidator(_label)]
    task: Task | None = None
    task_name: str | None = None
    language: Language | None = None
    language_name: str | None = None
    generator: Name = None
    ticket_id: Name = None
    intent: Name = None
    tier: Annotated[Tier | None, BeforeValidator(_tier)] = None
    reasons: Annotated[tuple[str, ...], BeforeValidator(_names)] = ()
    kind: str | None = Field(None, description="How the line was made, in a set that was written")
    decided_at: Annotated[datetime | None, BeforeValidator(_moment)] = None
    desk: Desk | None = None

    @model_validator(mode="before")
    @classmethod
    def _their_words(cls, given: object) -> object:
        """Tasks and languages go by many names; whatever a line says, its own word is kept."""
        if not isinstance(given, dict):
            return given
        known = dict(given)
        task, language = known.get("task"), known.get("language")
        if isinstance(task, str) and task.strip():
            known["task_name"] = task.strip()
            known["task"] = task.strip() if task.strip() in _TASKS else Task.SOLUTION_DRAFT
        elif task == "":
            known["task"] = None
        known["desk"] = _desk(known.get("desk"), known.get("evidence"))
        if isinstance(language, str):
            known["language_name"] = language.strip() or None
            known["language"] = _LANGUAGES.get(re.split("[-_]", language.strip().lower())[0])
        return known

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
    def turn(self) -> str:
        """The least of a group stands for it where one may: the first that was decided, or one drawn by its
        words. The place in the file says nothing: written sets often have the good answer of a ticket first.
        """
        words = hashlib.blake2b("\0".join(self.words).encode(), digest_size=8).hexdigest()
        if self.decided_at is None:
            return f"1{words}"
        known = self.decided_at if self.decided_at.tzinfo else self.decided_at.replace(tzinfo=UTC)
        return f"0{known.astimezone(UTC).isoformat()} {words}"

    @property
    def words(self) -> tuple[str, ...]:
        """Lines of one ticket with the same words are one observation, however often they stand in a file.

        Two customers who ask the same and are answered the same are two, as they are at the desk.
        """
        return (self.ticket_id or "", self.told_task.value, self.question, *self.evidence, "\1", self.answer)

    @property
    def group(self) -> str:
        """Lines of one group stay on one side of every split: one ticket, else one question and evidence."""
        return self.ticket_id or "\0".join((self.question, *self.evidence))

    def prompt(self) -> Prompt:
        """The prompt the answer is judged under."""
        ticket = Ticket(description=self.question) if self.question.strip() else None
        desk = self.desk or Desk()
        evidence = desk.passages or tuple(
            Evidence(n=n, kind=EvidenceKind.KB, id=f"e{n}", title="", snippet=text, score=0.0)
            for n, text in enumerate(self.evidence, start=1)
        )
        grounds = Grounds(
            ticket=desk.ticket or ticket,
            evidence=evidence,
            language=self.told_language,
            intent=self.intent or "other",
            settings=desk.settings,
            recorded_actions=desk.actions,
        )
        turns = (Turn("user", self.question),) if self.question.strip() else ()
        return Prompt(self.told_task, "", turns, grounds)

    def as_answer(self) -> Answer:
        author = self.generator or "unknown"
        return Answer(
            self.answer, provider=author, model=author, approved=self.desk.approved if self.desk else ()
        )


def language_of(text: str) -> Language:
    """Korean where at least three letters of ten are Hangul: product names and codes are Latin anywhere."""
    hangul, latin = len(_HANGUL.findall(text)), len(_LATIN.findall(text))
    return "ko" if hangul and hangul >= 0.3 * (hangul + latin) else "en"


def read_labelled(path: Path, *, skipped: list[str] | None = None) -> list[LabelledAnswer]:
    """All lines of a labelled set, `.jsonl` or `.jsonl.gz`; empty lines count for nothing.

    Raises BadInput that names the first line at fault, or says that there is none at all. With a list in
    `skipped`, lines at fault are left out, and what is wrong with each is put there.
    """
    found = list(parse_labelled(read_lines(path), name_of(path), skipped=skipped))
    if not found:
        raise BadInput(f"{name_of(path)} holds no labelled answers: write one JSON object a line.")
    return found


def parse_labelled(
    lines: Iterable[str], name: str, *, skipped: list[str] | None = None
) -> Iterator[LabelledAnswer]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield LabelledAnswer.model_validate(_object(line))
        except (ValueError, RecursionError) as fault:  # a ValidationError is a ValueError
            sentence = f"{name}, line {number}: {_told(fault)}."
            if skipped is None:
                raise BadInput(sentence) from None
            skipped.append(sentence)


def _object(line: str) -> dict[str, object]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ValueError("this is not a JSON object")
    return value


def _told(fault: ValueError | RecursionError) -> str:
    if isinstance(fault, RecursionError):
        return "its lists or objects are nested too deeply"
    if not isinstance(fault, ValidationError):
        return str(fault)
    first = fault.errors()[0]
    where = ".".join(map(str, first["loc"]))
    if where == "label":
        return "label must be 0, 1, approve, edit or reject"
    said = {"missing": "is missing", "string_type": "must be a text"}.get(first["type"], first["msg"])
    return f"{where} {said}" if where else said


def name_of(path: Path) -> str:
    """What a sentence calls the file; `-` is standard input."""
    return "standard input" if str(path) == "-" else path.name


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a plain or gzipped text file; of a pipe, or of `-`, standard input, as they come.

    Raises BadInput for one that cannot be read, a line over MOST_LINE_BYTES and a file over MOST_BYTES.
    """
    number, size = 0, 0
    name = name_of(path)
    try:
        with _opened(path) as file:
            while line := file.readline(MOST_LINE_BYTES + 1):
                number, size = number + 1, size + len(line)
                if len(line) > MOST_LINE_BYTES:
                    most = f"{MOST_LINE_BYTES // 1_000_000} MB"
                    raise BadInput(f"{name}, line {number}: no line may be longer than {most}; shorten it.")
                if size > MOST_BYTES:
                    most = f"{MOST_BYTES // 1_000_000_000} GB"
                    raise BadInput(
                        f"{name}, line {number}: unpacked, a file may hold {most} at most; split it."
                    )
                try:
                    yield line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError:
                    raise _unreadable(name, number) from None
    except FileNotFoundError:
        raise BadInput(f"There is no file {path}; give the path of one.") from None
    except (OSError, EOFError, zlib.error) as fault:
        raise _unreadable(name, number + 1) from fault


def _unreadable(name: str, number: int) -> BadInput:
    return BadInput(
        f"{name}, line {number}: this cannot be read; give a JSON Lines file in UTF-8, plain or gzipped."
    )


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Opened once, as a pipe can be; the first bytes tell whether it is packed."""
    with ExitStack() as stack:
        file = sys.stdin.buffer if str(path) == "-" else stack.enter_context(path.open("rb"))
        head = file.read(2)
        whole = io.BufferedReader(_Begun(head, file))
        packed = head == b"\x1f\x8b"
        yield cast(BinaryIO, stack.enter_context(gzip.GzipFile(fileobj=whole)) if packed else whole)


class _Begun(io.RawIOBase):
    """A stream of which `head` was read already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._head:
            self._head = self._rest.read1(len(buffer))  # type: ignore[attr-defined]
        part, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)
