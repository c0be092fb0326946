"""Certified thresholds: whose hold, what they promise, and what becomes of an answer by them."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from ccos.domain.certificate import Certificate
from ccos.domain.prompt import Answer
from ccos.domain.tier import Task, Tier
from ccos.domain.verdict import Promise, Verdict
from ccos.quality import Gate
from ccos.quality.promises import Promises
from support.judging import prompt

SHOP, OTHER = UUID(int=1), UUID(int=2)
DRAFT = Task.SOLUTION_DRAFT


def certificate(
    required: float,
    threshold: float | None,
    *,
    tier: Tier | None = None,
    scorer: str = "s",
    own: bool = False,
) -> Certificate:
    source = "tenant" if own else "shipped"
    return Certificate(DRAFT, tier, required, threshold, 100, 50, 5, 0.2, scorer, source)


SHIPPED = [certificate(0.6, 0.5), certificate(0.7, 0.72), certificate(0.8, None)]


def kept(promises: Promises, quality: float, tenant: UUID | None = None, tier: Tier | None = None) -> Promise:
    return promises.promise(tenant, DRAFT, tier, scorer="s", quality=quality)


@pytest.mark.parametrize(
    ("quality", "promise"),
    [(0.49, 0.0), (0.5, 0.6), (0.71, 0.6), (0.72, 0.7), (0.72 - 1e-12, 0.7), (1.0, 0.7)],
)
def test_the_promise_is_the_highest_level_whose_threshold_is_reached(quality: float, promise: float) -> None:
    assert kept(Promises(SHIPPED), quality) == Promise(promise, 0.0)  # from elsewhere, it decides nothing
    own = Promises()
    own.keep(SHOP, [replace(each, source="tenant") for each in SHIPPED])
    assert kept(own, quality, SHOP) == Promise(promise, 0.7)


def test_a_promise_says_by_how_many_labels_it_is_certified() -> None:
    few = replace(certificate(0.7, 0.72), accepted=31)
    promises = Promises([certificate(0.6, 0.5), few, replace(certificate(0.8, None), accepted=0)])
    assert [kept(promises, quality).labels for quality in (0.4, 0.5, 0.9)] == [0, 50, 31]


def test_a_tenants_own_come_first_and_nobody_elses() -> None:
    promises = Promises(SHIPPED)
    promises.keep(SHOP, [certificate(0.8, 0.6, own=True)])
    assert kept(promises, 0.65, SHOP) == Promise(0.8, 0.8)
    assert kept(promises, 0.65, OTHER) == Promise(0.6, 0.0)
    promises.keep(SHOP, [certificate(0.8, None, own=True)])  # own labels that certify nothing count too
    assert kept(promises, 0.99, SHOP) == Promise(0.0, 0.0)
    promises.keep(SHOP, [])
    assert kept(promises, 0.65, SHOP) == Promise(0.6, 0.0)


def test_a_tier_with_certificates_of_its_own_is_held_to_those() -> None:
    promises = Promises([*SHIPPED, certificate(0.7, 0.9, tier=Tier.LOCAL_TINYLLAMA)])
    assert kept(promises, 0.8, tier=Tier.LOCAL_TINYLLAMA) == Promise(0.0, 0.0)
    assert kept(promises, 0.8, tier=Tier.CLOUD_PREMIUM) == Promise(0.7, 0.0)


def own_of(*tiers: tuple[Tier | None, float, float | None]) -> Promises:
    """A tenant's own certificates: of each tier what is required, and from which quality on it holds."""
    promises = Promises(SHIPPED)
    promises.keep(SHOP, [certificate(level, least, tier=tier, own=True) for tier, level, least in tiers])
    return promises


def verdict(promises: Promises, quality: float, tier: Tier) -> Verdict:
    return Verdict(quality, "s", "text", promise=kept(promises, quality, SHOP, tier))


def test_a_tier_that_no_label_certifies_does_not_stop_where_a_dearer_one_is_certified() -> None:
    promises = own_of((None, 0.7, 0.6), (Tier.LOCAL_TINYLLAMA, 0.7, None), (Tier.LOCAL_TINYLLAMA, 0.6, 0.5))
    assert kept(promises, 0.75, SHOP, Tier.LOCAL_TINYLLAMA) == Promise(0.6, 0.7)
    assert not verdict(promises, 0.75, Tier.LOCAL_TINYLLAMA).accepts(0.7)
    assert verdict(promises, 0.65, Tier.CLOUD_PREMIUM).certified(0.7)


def test_a_tier_without_certificates_of_its_own_goes_on_to_the_one_that_has_better_ones() -> None:
    promises = own_of((None, 0.7, 0.6), (Tier.CLOUD_PREMIUM, 0.8, 0.7))
    assert kept(promises, 0.85, SHOP, Tier.LOCAL_TINYLLAMA) == Promise(0.7, 0.8)
    assert not verdict(promises, 0.85, Tier.LOCAL_TINYLLAMA).accepts(0.8)
    assert verdict(promises, 0.75, Tier.CLOUD_PREMIUM).certified(0.8)


def test_what_no_tier_could_reach_is_no_reason_to_go_on() -> None:
    each = [(tier, 0.6, 0.5) for tier in Tier]
    promises = own_of((None, 0.7, 0.6), *each)  # all together certify more than any tier is held to
    for tier in Tier:
        assert kept(promises, 0.75, SHOP, tier) == Promise(0.6, 0.6)
        assert verdict(promises, 0.75, tier).accepts(0.7)
        assert not verdict(promises, 0.75, tier).certified(0.7)


def test_another_scorers_certificates_are_no_reason_to_go_on() -> None:
    promises = own_of((None, 0.6, 0.5))
    older = [certificate(0.9, 0.5, scorer="older", tier=Tier.CLOUD_PREMIUM, own=True)]
    promises.keep(SHOP, [certificate(0.6, 0.5, own=True), *older])
    assert kept(promises, 0.75, SHOP, Tier.LOCAL_TINYLLAMA) == Promise(0.6, 0.6)


def test_another_scorers_thresholds_promise_nothing() -> None:
    promises = Promises([certificate(0.7, 0.5, scorer="older")])
    assert kept(promises, 0.99) == Promise(0.0, 0.0)
    assert promises.promise(None, Task.CHAT, None, scorer="s", quality=1.0) == Promise(0.0, 0.0)


@pytest.mark.parametrize(
    ("quality", "promise", "required", "accepted", "certified"),
    [
        (0.75, Promise(0.7, 0.8), 0.7, True, True),
        (0.65, Promise(0.7, 0.8), 0.7, True, True),  # the threshold decides, not the number
        (0.75, Promise(0.6, 0.8), 0.7, False, False),
        (
            0.75,
            Promise(0.6, 0.6),
            0.7,
            True,
            False,
        ),  # nothing certifies 0.7: good enough, for a person to see
        (0.65, Promise(0.6, 0.6), 0.7, False, False),
        (0.75, None, 0.7, True, True),
        (0.35, Promise(0.0, 0.8), 0.3, True, False),  # so little is compared as it stands, and never ready
        (0.0, Promise(0.0, 0.0), 0.0, True, False),
        (0.55, Promise(0.5, 0.8), 0.3, True, True),
        (0.75, Promise(0.6, 0.6), 0.65, True, False),  # between two levels the upper one is asked
    ],
)
def test_what_becomes_of_an_answer(
    quality: float, promise: Promise | None, required: float, accepted: bool, certified: bool
) -> None:
    verdict = Verdict(quality, "s", "text", promise=promise)
    assert (verdict.accepts(required), verdict.certified(required)) == (accepted, certified)


def test_what_else_is_known_can_only_take_from_what_ships() -> None:
    promises = Promises(SHIPPED)

    def after(quality: float, before: float) -> Promise:
        return promises.promise_after(SHOP, DRAFT, None, scorer="s", quality=quality, before=before)

    assert after(0.9, 0.55) == Promise(0.6, 0.0)
    assert after(0.55, 0.9) == Promise(0.6, 0.0)
    promises.keep(SHOP, [certificate(0.8, 0.6, own=True)])  # labels of answers whose quality was made so too
    assert after(0.9, 0.55) == Promise(0.8, 0.8)


class _Scores:
    name = "s"

    def score(self, reading: object, vetoes: object) -> tuple[float, tuple[tuple[str, float], ...]]:
        return 0.75, ()


def test_the_gate_asks_for_customers_text_only_and_a_veto_stays_a_veto() -> None:
    gate = Gate(_Scores(), promises=Promises(SHIPPED))
    reply = "안녕하세요, 고객님. 알림을 켜 주세요."
    assert gate.judge(prompt(), Answer(reply, "p", "m")).promise == Promise(0.7, 0.0)
    vetoed = gate.judge(prompt(), Answer(f"{reply} 환불해 드리겠습니다.", "p", "m"))
    assert vetoed.promise == Promise(0.7, 0.0) and not vetoed.accepts(0.5) and not vetoed.certified(0.5)
    assert gate.judge(prompt(asked="알림", task=Task.TRIAGE), Answer("알림", "p", "m")).promise is None
    assert Gate(_Scores()).judge(prompt(), Answer(reply, "p", "m")).promise is None
