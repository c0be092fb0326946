"""GET /api/kpis: what people did with a tenant's drafts, and no single agent or money for those who may not."""

from __future__ import annotations

import pytest

from ccos.domain.draft import DraftState
from ccos.domain.tenant import Role
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Tier
from support.live import Company

PARTS = {
    "first",
    "last",
    "timezone",
    "kpis",
    "total",
    "beside",
    "reasons",
    "seconds",
    "by",
    "stages",
    "calibration",
    "outages",
    "groups",
    "agents",
}


def draft(company: Company, state: DraftState = DraftState.READY, tier: Tier = Tier.LOCAL_MINIMAX):
    ticket = company.ticket(Ticket(subject="교환"))
    return company.draft(ticket, state, reply="네, 교환해 드립니다.", tier=tier, latency_seconds=0.5)


@pytest.fixture
def decided(company: Company) -> Company:
    """Three drafts approved, one rejected, one overtaken."""
    with company.client(Role.AGENT) as http:
        for tier in (Tier.LOCAL_MINIMAX, Tier.LOCAL_MINIMAX, Tier.RULE_BASED):
            http.post(f"/api/drafts/{draft(company, tier=tier).id}/decision", json={"verdict": "approved"})
        body = {"verdict": "rejected", "reason": "wrong_tone"}
        http.post(f"/api/drafts/{draft(company).id}/decision", json=body)
    draft(company, DraftState.SUPERSEDED)
    return company


def read(company: Company, role: Role = Role.SUPERVISOR, **query):
    with company.client(role) as http:
        answer = http.get("/api/kpis", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_people_decided_is_told_with_how_many_and_how_sure(decided: Company):
    told = read(decided)
    assert set(told) == PARTS
    assert {name: told["total"][name] for name in ("decided", "as_is", "edited", "rejected")} == {
        "decided": 4, "as_is": 3, "edited": 0, "rejected": 1
    }  # fmt: skip
    approval = told["total"]["approval"]
    assert (
        approval["value"] == 0.75 and approval["low"] < 0.75 < approval["high"] and approval["thin"] is True
    )
    assert told["reasons"] == {"wrong_tone": 1} and told["beside"]["superseded"] == 1
    assert {name: group["decided"] for name, group in told["groups"].items()} == {"tier_1": 3, "tier_3": 1}
    assert told["seconds"]["all"]["n"] == 5
    kpis = {each["name"]: each for each in told["kpis"]}
    assert kpis["approval"]["met"] is None and kpis["approval"]["target"] == 0.8  # four are too few to judge
    assert kpis["days_over_limit"]["met"] is True


def test_single_agents_and_money_are_for_supervisors(decided: Company):
    assert {"saved", "days_over_limit"} <= {each["name"] for each in read(decided)["kpis"]}
    assert not {"saved", "days_over_limit"} & {each["name"] for each in read(decided, Role.AGENT)["kpis"]}
    assert sum(group["decided"] for group in read(decided, by="agent")["groups"].values()) == 4
    with decided.client(Role.AGENT) as http:
        answer = http.get("/api/kpis", params={"by": "agent"})
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.refused")


def test_a_fresh_tenant_has_no_figures_instead_of_zeros(company: Company):
    told = read(company)
    assert told["total"]["approval"]["value"] is None and told["groups"] == {} == told["seconds"]
    assert {each["met"] for each in told["kpis"] if each["name"] != "days_over_limit"} == {None}


@pytest.mark.parametrize("query", [{"days": 0}, {"days": 400}, {"by": "customer"}])
def test_what_cannot_be_reported_is_refused(company: Company, query):
    with company.client() as http:
        assert http.get("/api/kpis", params=query).status_code == 422
