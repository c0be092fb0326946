"""The rule tier on the sample shop: its approved answers, its articles, its tickets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest

from ccos import sample
from ccos.domain.evidence import Evidence, EvidenceKind, Visibility
from ccos.domain.prompt import Grounds
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Task
from support.rule_cases import draft, said

ANSWERS = sample.approved_answers()


@cache
def articles() -> dict[str, Evidence]:
    def read() -> Iterator[Evidence]:
        with sample.kb_folder() as folder:
            for path in sorted(folder.glob("*.md")):
                _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
                facts = dict(re.findall(r"^(\w+): (.*)$", head, re.MULTILINE))
                yield Evidence(
                    n=1,
                    kind=EvidenceKind.KB,
                    id=facts["id"],
                    title=facts["title"],
                    snippet=body,
                    score=1.0,
                    visibility=Visibility(facts["visibility"]),
                )

    return {evidence.id: evidence for evidence in read()}


def found_for(gold: sample.Gold) -> tuple[Evidence, ...]:
    found = [articles()[kb_id] for kb_id in gold.kb_ids]
    return tuple(e.model_copy(update={"n": n}) for n, e in enumerate(found, start=1))


CASES = list(zip(sample.tickets(), sample.gold(), strict=True))


def on(ticket: Ticket, gold: sample.Gold) -> Grounds:
    return Grounds(
        ticket=ticket,
        evidence=found_for(gold),
        language=gold.language,
        intent=gold.intent,
        settings=sample.settings(),
    )


@pytest.mark.parametrize(("ticket", "gold"), CASES, ids=[g.external_id for _, g in CASES])
async def test_every_sample_ticket_gets_a_clean_draft(ticket: Ticket, gold: sample.Gold) -> None:
    for answers in ([], ANSWERS):
        made = await draft(on(ticket, gold), answers)
        reply = made["reply"]
        assert made["category"] == gold.category
        assert 20 < len(reply) <= sample.settings().reply_max_characters
        assert not re.search(r"\{\w*\}|\*\*|^#|\|", reply)
        assert not any(phrase in reply for phrase in sample.settings().banned_phrases)
        assert set(made["tags"]) <= set(sample.settings().tags)
        public = {e.n for e in found_for(gold) if e.visibility is Visibility.PUBLIC}
        assert set(made["citations"]) <= public
        hangul = len(re.findall("[가-힣]", reply))
        assert hangul > 40 if gold.language == "ko" else hangul < 12
        if gold.language == "ko":
            endings = re.findall(r"[가-힣]+(?=[.?!](?:\s|$))", reply)
            assert all(re.search(r"(?:니다|니까|세요|십시오|고객님)$", ending) for ending in endings)


async def test_sample_tickets_with_an_article_are_mostly_answered_from_it() -> None:
    answered = [
        (await draft(on(ticket, gold), ANSWERS))["kind"] == "answer" for ticket, gold in CASES if gold.kb_ids
    ]
    assert sum(answered) / len(answered) >= 0.85


async def test_sample_tickets_without_evidence_are_never_answered() -> None:
    for ticket, gold in CASES:
        bare = Grounds(ticket=ticket, language=gold.language, intent=gold.intent, settings=sample.settings())
        made = await draft(bare, ANSWERS)
        assert made["kind"] in ("clarify", "hold") and made["citations"] == []


async def test_sample_queries_carry_nobodys_data() -> None:
    for ticket, gold in CASES:
        queries = (await said(Task.QUERY_BUILDER, on(ticket, gold)))["queries"]
        assert 1 <= len(queries) <= 3 and all(2 <= len(query) <= 500 for query in queries)
        text = "\n".join(queries)
        assert not re.search(r"@|\d{6}-\d{7}|01\d-\d{4}|\d{8}-\d{6}|\d{4}-\d{4}-\d{4}", text)
        if ticket.customer and ticket.customer.name:
            assert ticket.customer.name not in text
