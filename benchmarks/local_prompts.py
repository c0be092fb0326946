"""The product's own prompts about labelled tickets: what a local model is really asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ccos import sample
from ccos.agents.prompts import query_prompt, solution_prompt, synthesis_prompt
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.prompt import Grounds, Language, Prompt
from ccos.domain.ticket import Ticket

KINDS = ("query", "synthesis", "solution")
COMPANIES = ("무른달", "오픈하루", "Alder Supply", "온마을", "Brightwell")


@dataclass(frozen=True, slots=True)
class Case:
    """A ticket, its evidence, and a reply that people approved."""

    ticket: Ticket
    evidence: tuple[Evidence, ...]
    language: Language
    reply: str

    def prompt(self, kind: str, company: str | None = None) -> Prompt:
        """One of KINDS, as the tenant of that company would ask it."""
        settings = sample.settings()
        if company:
            settings = settings.model_copy(update={"company": {"ko": company, "en": company}})
        grounds = Grounds(self.ticket, self.evidence, self.language, settings=settings)
        if kind == "query":
            return query_prompt(self.ticket, replace(grounds, evidence=()))
        if kind == "synthesis":
            return synthesis_prompt(self.ticket, grounds)
        return solution_prompt(self.ticket, grounds, ())


def cases(language: Language) -> list[Case]:
    """Tickets of one language that a good reply is known to, in the order of the sample."""
    lines = [json.loads(line) for line in sample.labelled_lines() if line.strip()]
    return [_case(line) for line in lines if line["language"] == language and line["kind"] == "good"]


def _case(line: Mapping[str, Any]) -> Case:
    evidence = []
    for n, passage in enumerate(line["evidence"], 1):
        title, _, text = passage.partition("\n")
        evidence.append(Evidence(n=n, kind=EvidenceKind.KB, id=f"kb-{n}", title=title, snippet=text, score=1))
    subject, _, description = line["question"].partition(". ")
    ticket = Ticket(subject=subject[:80], description=description or line["question"])
    return Case(ticket, tuple(evidence), line["language"], line["answer"])
