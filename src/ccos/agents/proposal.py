"""Puts what the stages made into the draft that a person sees. Pure."""

from __future__ import annotations

from dataclasses import asdict

from ccos.agents import claims
from ccos.agents.findings import THIN, Findings
from ccos.agents.resolution import Resolution, Synthesis
from ccos.agents.triage import Triage
from ccos.domain.draft import Attempt, Check, Draft, DraftState, QualityPart
from ccos.domain.evidence import Visibility, for_writing
from ccos.domain.money import MicroUsd, usd
from ccos.domain.prompt import Grounds
from ccos.domain.tier import Tier
from ccos.quality import checks
from ccos.quality.explaining import because
from ccos.quality.findings import MOST_QUOTED
from ccos.tiers.request import Generation

LAST_RESORT = {
    "ko": (
        "안녕하세요, 고객님. 문의해 주셔서 감사합니다. "
        "보내 주신 내용은 담당자가 직접 확인하고 있으며, 확인되는 대로 답변드리겠습니다. 감사합니다."
    ),
    "en": (
        "Hello, and thank you for contacting us. A member of our team is looking into your request "
        "personally and will get back to you as soon as it has been checked. Thank you for your patience."
    ),
}
"""When even the resolution stage broke: an honest acknowledgement, marked as failed for a person to see."""


_NAMES = {"ko": "Korean", "en": "English"}
_WRITTEN = {"ja": "in Japanese", "zh": "in Chinese"}


def propose(
    draft_id: str,
    ticket_id: str,
    grounds: Grounds,
    *,
    triage: Triage | None,
    findings: Findings,
    synthesis: Synthesis,
    resolution: Resolution | None,
    errors: tuple[str, ...],
) -> Draft:
    """The draft with its state: ready only when a certified answer rests on evidence."""
    seen: dict[str, object] = asdict(triage) if triage else {}
    if resolution is None:
        return Draft(
            id=draft_id,
            ticket_id=ticket_id,
            state=DraftState.FAILED,
            reason="resolve failed",
            reply=LAST_RESORT[grounds.language],
            evidence=findings.evidence,
            attempts=(*findings.attempts, *synthesis.attempts),
            triage=seen,
            cost_usd=usd(MicroUsd(findings.spent_micro_usd + synthesis.spent_micro_usd)),
            errors=errors,
        )
    made = resolution.generation
    doubts = (*_strange(triage), *_doubts(resolution, findings), *_internal(resolution, findings))
    spent = findings.spent_micro_usd + synthesis.spent_micro_usd + made.spent
    return Draft(
        id=draft_id,
        ticket_id=ticket_id,
        state=_state(resolution, doubts),
        tier=made.tier,
        model=made.model,
        quality=round(made.quality_score, 4),
        scorer=made.verdict.scorer,
        quality_parts=tuple(QualityPart(name=n, log_odds=v) for n, v in because(made.verdict.scores)),
        degraded=made.degraded,
        fallback_used=made.fallback_used,
        reason=made.reason,
        reply=resolution.reply,
        fields=resolution.fields,
        evidence=findings.evidence,
        attempts=_attempts(findings, synthesis, resolution),
        checks=(
            *checks(made.verdict, resolution.prompt),
            *_certified(made),
            *_claims(resolution, grounds),
            *doubts,
        ),
        triage=seen,
        confidence_score=round(_confidence(made.quality_score, findings), 4),
        cost_usd=usd(MicroUsd(spent)),
        errors=errors,
    )


def _confidence(quality: float, findings: Findings) -> float:
    """The quality, halved where the evidence hardly covers the question."""
    return quality if findings.answerability >= THIN else quality / 2


def _certified(made: Generation) -> tuple[Check, ...]:
    """What labels say of answers of this quality, where they are asked at all."""
    promise = made.verdict.promise
    if promise is None:
        return ()
    facts: dict[str, str | float] = {"kept": promise.kept, "labels": promise.labels}
    if made.certified:
        detail = f"Of answers of this quality at least {promise.kept:.0%} were sent as they are or nearly so."
        return (Check(name="certified", passed=True, detail=detail, code="certified.kept", facts=facts),)
    if made.verdict.vetoes:
        detail, code = (
            "A check refused it: a person must look at it, whatever its quality.",
            "certified.refused",
        )
    elif made.accepted or promise.most == 0.0:
        detail = (
            "No labels certify yet that answers of this quality are good often enough: "
            "read it before it is sent."
        )
        code = "certified.less" if promise.kept else "certified.not_yet"
    else:
        detail, code = "It does not reach the certified threshold.", "certified.below"
    return (Check(name="certified", passed=False, detail=detail, code=code, facts=facts),)


def _strange(triage: Triage | None) -> tuple[Check, ...]:
    """Nobody may be answered in a language they did not write without a person having seen it."""
    if triage is None or triage.supported:
        return ()
    written = _WRITTEN.get(triage.language_detected, "in a language that drafts are not written in")
    detail = f"The customer writes {written}; this draft is in {_NAMES[triage.language]}: check it first."
    which = triage.language_detected if triage.language_detected in _WRITTEN else "other"
    code = f"customer_language.{which}"
    return (Check(name="customer_language", passed=False, detail=detail, code=code),)


def _doubts(resolution: Resolution, findings: Findings) -> tuple[Check, ...]:
    """Why a rule answer may be beside the question, or why there is none. A model has read both; the rules
    matched words.

    On the sample shop 30 of 33 answers that rest on the best match are right, and 4 of 10 of the others.
    """
    if resolution.generation.tier is not Tier.RULE_BASED:
        return ()
    found: list[Check] = []
    first = resolution.citations[0] if resolution.citations else None
    if resolution.kind == "answer" and first not in (None, 1):
        detail = f"It rests on evidence [{first}], not on the best match: does it answer the question?"
        found.append(Check(name="fit", passed=False, detail=detail, code="fit.not_best"))
    if findings.answerability < THIN:
        detail = "The evidence covers little of what was asked: does it answer the question?"
        found.append(Check(name="coverage", passed=False, detail=detail, code="coverage.thin"))
    return tuple(found)


def _claims(resolution: Resolution, grounds: Grounds) -> tuple[Check, ...]:
    """Facts of a model's reply that stand nowhere, for whoever reads it; the gate has judged them already."""
    if resolution.generation.tier is Tier.RULE_BASED or resolution.kind != "answer":
        return ()
    seen = [e for e in for_writing(grounds.evidence) if e.n not in resolution.generation.unseen]
    found = claims.unsupported(resolution.reply, seen, grounds)
    if not found:
        return ()
    first = " ".join(found[0].text.split())
    said = first if len(first) <= MOST_QUOTED else first[: MOST_QUOTED - 1] + "…"
    return (
        Check(
            name="claims",
            passed=False,
            detail=f"Statements that no evidence supports: {len(found)}, the first is '{said}'.",
            span=(found[0].start, found[0].end),
            code="claims.unsupported",
            facts={"count": len(found), "said": said},
        ),
    )


def _internal(resolution: Resolution, findings: Findings) -> tuple[Check, ...]:
    """What rests on an internal passage may tell its content in other words: a person reads it first."""
    internal = {e.n for e in findings.evidence if e.visibility is Visibility.INTERNAL}
    cited = [n for n in resolution.citations if n in internal]
    if not cited:
        return ()
    detail = f"It rests on internal evidence [{cited[0]}]: does it tell the customer anything of that?"
    return (Check(name="sources", passed=False, detail=detail, code="sources.internal"),)


def _state(resolution: Resolution, doubts: tuple[Check, ...]) -> DraftState:
    if resolution.kind in ("clarify", "hold"):
        return DraftState.ABSTAINED
    certified = resolution.generation.certified and not doubts
    return DraftState.READY if certified else DraftState.NEEDS_REVIEW


def _attempts(findings: Findings, synthesis: Synthesis, resolution: Resolution) -> tuple[Attempt, ...]:
    return (*findings.attempts, *synthesis.attempts, *resolution.generation.attempts)
