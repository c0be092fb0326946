"""Prompts, evidence and answers for tests of the gate."""

from __future__ import annotations

from typing import Any

from ccos.domain.evidence import Evidence, EvidenceKind, Visibility
from ccos.domain.prompt import Answer, Grounds, Language, Prompt, Turn
from ccos.domain.tenant import TenantSettings
from ccos.domain.ticket import Customer, Message, Ticket
from ccos.domain.tier import Task
from ccos.domain.verdict import Verdict
from ccos.quality import Gate
from ccos.quality.reading import Reading

GATE = Gate()


def passage(
    snippet: str,
    n: int = 1,
    *,
    kind: str = "kb",
    internal: bool = False,
    title: str = "",
    url: str | None = None,
) -> Evidence:
    visibility = Visibility.INTERNAL if internal else Visibility.PUBLIC
    return Evidence(
        n=n,
        kind=EvidenceKind(kind),
        id=f"e{n}",
        title=title,
        snippet=snippet,
        score=1.0,
        url=url,
        visibility=visibility,
    )


def ticket(text: str = "", *history: tuple[str, str], **customer: str) -> Ticket:
    said = tuple(Message(role=role, text=words) for role, words in history)  # type: ignore[arg-type]
    return Ticket(
        description=text, conversation_history=said, customer=Customer(**customer) if customer else None
    )


def prompt(
    *evidence: Evidence,
    asked: str | Ticket = "안녕하세요, 문의드립니다.",
    language: Language = "ko",
    task: Task = Task.SOLUTION_DRAFT,
    system: str = "",
    schema: dict[str, Any] | None = None,
    done: tuple[str, ...] = (),
    **settings: Any,
) -> Prompt:
    grounds = Grounds(
        ticket=ticket(asked) if isinstance(asked, str) else asked,
        evidence=evidence,
        language=language,
        settings=TenantSettings(**settings),
        recorded_actions=done,
    )
    return Prompt(task=task, system=system, turns=(Turn("user", "..."),), grounds=grounds, schema=schema)


def reading(text: str, asked: Prompt | None = None) -> Reading:
    return Reading(text, asked or prompt(), Answer(text, "test", "test"))


def judge(text: str, asked: Prompt | None = None, *, finish: str = "stop", model: str = "test") -> Verdict:
    answer = Answer(text=text, provider="test", model=model, finish_reason=finish)  # type: ignore[arg-type]
    return GATE.judge(asked or prompt(), answer)


def kinds(text: str, asked: Prompt | None = None, *, finish: str = "stop", model: str = "test") -> list[str]:
    return [veto.kind for veto in judge(text, asked, finish=finish, model=model).vetoes]


def marked(text: str, asked: Prompt | None = None) -> list[str]:
    """What the vetoes point at."""
    return [text[slice(*veto.span)] for veto in judge(text, asked).vetoes if veto.span]
