"""Every page as axe sees it: nothing that keeps a person out, wide or narrow, light or dark."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest

from ccos.domain.draft import DraftState
from ccos.domain.evidence import Evidence
from ccos.domain.tenant import Role
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Tier
from ccos.store import decisions, experiments
from ccos.store.database import Tx
from support.browser import BROWSER, WITHOUT, Visitor
from support.experiments import definition, drafts, keep
from support.live import Company

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(BROWSER is None, reason=WITHOUT),
]

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVIDENCE = tuple(
    Evidence.model_validate({"n": n, "id": f"e{n}", "title": "교환 안내", "snippet": "**7일** 안입니다.", "score": 1.0, **more})
    for n, more in enumerate(({"kind": "kb"}, {"kind": "case"}, {"kind": "kb", "visibility": "internal"}), start=1)
)  # fmt: skip


@pytest.fixture
def desk(company: Company) -> Company:
    """Tickets that are due, late and decided, with each kind of evidence, a warning and proposed fields."""
    for n, state in enumerate(
        (DraftState.NEEDS_REVIEW, DraftState.READY, DraftState.FAILED, DraftState.READY)
    ):
        ticket = company.ticket(
            Ticket(
                subject=f"{n}번 문의",
                description="교환되나요?",
                created_at=datetime.now(UTC) - timedelta(hours=3 * n),
            )
        )
        made = company.draft(
            ticket, state, reply="7일 안에 교환해 드립니다. [1]", tier=Tier.RULE_BASED, quality=0.6, scorer="gate-1",
            evidence=EVIDENCE, degraded=True, errors=("retrieve: provider.down",),
        )  # fmt: skip
    company.within(lambda tx: decisions.decide(tx, made.id, "edited", text="바로 교환해 드립니다."))
    company.within(tried)
    return company


async def tried(tx: Tx) -> None:
    """An experiment that says something, with a guardrail that is broken."""
    await experiments.create(tx, definition())
    one = await experiments.start(tx, "tone")
    more = {"warm": {"reopened": True, "vetoed": True}}
    await keep(tx, one, drafts(definition(), 400, {"control": 0.6, "warm": 0.8}, more=more))


PAGES = {
    "the queue": ("/", Role.AGENT, ""),
    "a ticket": ("/", Role.AGENT, "j1"),
    "editing": ("/", Role.AGENT, "je"),
    "rejecting": ("/", Role.AGENT, "jx"),
    "what was edited": ("/?view=all", Role.AGENT, "k"),
    "the keys": ("/", Role.AGENT, "?"),
    "nothing found": ("/?q=없는+말", Role.AGENT, ""),
    "the figures": ("/dashboard", Role.SUPERVISOR, ""),
    "the experiments": ("/experiments", Role.SUPERVISOR, ""),
    "an experiment": ("/experiments/tone", Role.SUPERVISOR, ""),
    "the knowledge": ("/kb?q=교환", Role.SUPERVISOR, ""),
    "a fault": ("/tickets/none", Role.AGENT, ""),
    "the door": ("/sign-in", None, ""),
}


@pytest.mark.parametrize(("width", "dark", "locale"), [(1280, False, "ko-KR"), (1280, True, "en-US"), (390, False, "en-US"), (390, True, "ko-KR")])  # fmt: skip
async def test_axe_finds_nothing_that_keeps_a_person_out(
    visitor: Visitor, desk: Company, width: int, dark: bool, locale: str
):
    found = []
    for name, (path, role, keys) in PAGES.items():
        page = await visitor.page(desk, path, role=role, width=width, dark=dark, locale=locale)
        for key in keys:
            await page.keyboard.press(key)
            if key in "jk":
                await page.wait_for_url("**/tickets/**")
        # Through the debugger, which the page's content security policy does not bind.
        session = await page.context.new_cdp_session(page)
        await session.send("Runtime.evaluate", {"expression": AXE})
        told = await page.evaluate("rules => axe.run({runOnly: rules})", RULES)
        assert told["passes"], "axe looked at nothing"
        found += [
            (name, each["impact"], each["id"], each["nodes"][0]["html"][:120]) for each in told["violations"]
        ]
    assert found == []
    visitor.complaints[:] = [c for c in visitor.complaints if "404" not in c]
