"""How values are told to a person: ages, reasons, marks. Pure, for one moment, one zone, one language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from markupsafe import Markup

from ccos.api.caller import Caller
from ccos.console import markdown
from ccos.console.differences import Change, changes
from ccos.console.outage import Down, Outage
from ccos.console.speech import Speech
from ccos.domain.draft import Check, Draft, DraftState
from ccos.domain.evidence import Evidence, Visibility
from ccos.domain.feedback import Reason
from ccos.domain.hours import Standing, standing
from ccos.domain.ticket import MAX_TEXT_CHARACTERS, Ticket
from ccos.domain.tier import Tier
from ccos.store.decisions import UNDO_SECONDS, Decision
from ccos.store.drafts import DECIDABLE

STALE = timedelta(days=365)
LONG_WAIT = timedelta(minutes=1)
UNFINISHED = frozenset({DraftState.QUEUED, DraftState.RUNNING})
STAGES = ("triage", "retrieve", "synthesise", "resolve", "propose")
CERTIFIED = "certified"
NO_SHARES = frozenset({"fallback_quality", "seconds", "days_over_limit"})
USED = frozenset({DraftState.APPROVED, DraftState.EDITED})

_MARK = re.compile(r"[ \t]?\[(\d{1,2})\]")
_PLANNED = re.compile(r"(cost_first|quality_first|latency_first|outage): ")
_MOVED = re.compile(r"(tier_[0-3]) (\S+)")
_STAGE = re.compile(r"(\w+): (.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a reply, or, with `n`, a mark that points at evidence."""

    text: str
    n: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A stage of a draft that is being made: "done", "now" or "later"."""

    name: str
    standing: Literal["done", "now", "later"]


@dataclass(frozen=True, slots=True)
class Teller:
    """What templates call. `now` has a time zone."""

    t: Speech
    now: datetime
    zone: ZoneInfo

    # -- time ------------------------------------------------------------------------------------------

    def when(self, moment: datetime) -> str:
        return _in(self.zone, moment).strftime("%Y-%m-%d %H:%M")

    def date(self, moment: datetime) -> str:
        return _in(self.zone, moment).strftime("%Y-%m-%d")

    def machine(self, moment: datetime) -> str:
        """For the attribute `datetime`."""
        return _in(UTC, moment).isoformat(timespec="seconds")

    def age(self, moment: datetime) -> str:
        minutes = int((self.now - moment).total_seconds() // 60)
        for size, unit in ((525_600, "years"), (43_200, "months"), (1_440, "days"), (60, "hours")):
            if minutes >= size:
                return self.t(f"age.{unit}", n=minutes // size)
        return self.t("age.minutes", n=minutes) if minutes >= 1 else self.t("age.now")

    def until(self, due: datetime) -> str:
        """How long is left, or how long ago it was due."""
        minutes = round((due - self.now).total_seconds() / 60)
        way = "left" if minutes >= 0 else "over"
        for size, unit in ((1_440, "days"), (60, "hours")):
            if abs(minutes) >= size:
                return self.t(f"due.{way}.{unit}", n=abs(minutes) // size)
        return self.t(f"due.{way}.minutes", n=abs(minutes))

    def lasted(self, span: timedelta) -> str:
        minutes = round(span.total_seconds() / 60)
        if minutes < 60:
            return self.t("lasted.minutes", minutes=minutes)
        return self.t("lasted.hours", hours=minutes // 60, minutes=minutes % 60)

    def standing(self, due: datetime) -> Standing:
        return standing(due, self.now)

    # -- tickets ---------------------------------------------------------------------------------------

    def subject(self, ticket: Ticket) -> str:
        """The subject, or the first words of what was said."""
        said = " ".join((ticket.subject or ticket.customer_text).split())
        return (said if len(said) <= 80 else said[:79] + "…") or self.t("queue.untitled")

    # -- drafts ----------------------------------------------------------------------------------------

    def tier(self, tier: Tier) -> str:
        return self.t(f"tier.{tier.value}")

    def state(self, draft: Draft) -> str:
        """One sentence on what the state means and what to do."""
        waits = draft.state is DraftState.QUEUED and draft.created_at is not None
        if waits and draft.created_at is not None and self.now - draft.created_at > LONG_WAIT:
            return self.t("tell.queued.long")
        if draft.state is DraftState.NEEDS_REVIEW and not self._refused(draft):
            return self.t("tell.needs_review.uncertified")
        return self.t(f"tell.{draft.state.value}")

    def _refused(self, draft: Draft) -> bool:
        """Whether it fell short of more than the labels that would certify it."""
        return {check.name for check in draft.checks if not check.passed} != {CERTIFIED}

    def why(self, draft: Draft) -> str:
        """Why this tier answered, or why none did; nothing when there is nothing to say yet."""
        if planned := _PLANNED.match(draft.reason):
            return self._planned(draft, planned[1])
        if moved := _MOVED.fullmatch(draft.reason):
            refused = moved[2].startswith(("veto.", "quality."))
            key = "why.refused" if refused else "why.moved"
            return self.t(key, tier=self.tier(Tier(moved[1])), reason=self.code(moved[2]))
        return self.t("why.code", reason=self.code(draft.reason)) if draft.reason else ""

    def _planned(self, draft: Draft, mode: str) -> str:
        return (
            self.t("why.plan", mode=self.t(f"mode.{mode}"), tier=self.tier(draft.tier)) if draft.tier else ""
        )

    def tiers(self, down: Sequence[Down]) -> str:
        return ", ".join(self.tier(each.tier) for each in down)

    def outage(self, found: Outage) -> str:
        """What is missing, in one sentence."""
        spent = all(each.code == "budget.exhausted" for each in found.down)
        return self.t("outage.spent" if spent else "outage.down", tiers=self.tiers(found.down))

    def clock(self, moment: datetime) -> str:
        """The time of day; with its date where that is another one."""
        local = _in(self.zone, moment)
        today = _in(self.zone, self.now).date() == local.date()
        return local.strftime("%H:%M" if today else "%Y-%m-%d %H:%M")

    def code(self, reason: str) -> str:
        return self.t.known("code", reason).removeprefix("code.")

    def quality(self, draft: Draft) -> str:
        """What the score is; that of a baseline is never called a probability."""
        scorer = draft.scorer or ""
        form_only = "baseline" in scorer or "form" in scorer
        return self.t("draft.baseline" if form_only else "draft.scored", scorer=scorer)

    def error(self, error: str) -> str:
        found = _STAGE.fullmatch(error)
        if not found:
            return error
        stage = self.t.known("stage", found[1])
        return self.t("error.stage", stage=stage, code=self.code(found[2]))

    def value(self, field: str, value: str | list[str] | None) -> str:
        """A field's value; one that is empty is said to be so."""
        shown = ", ".join(value) if isinstance(value, list) else value
        return self.t.known(field, shown) if shown else self.t("draft.empty_value")

    def warnings(self, draft: Draft) -> list[Check]:
        """What a person should look at; what labels certify stands beside the quality instead."""
        return [check for check in draft.checks if not check.passed and check.name != CERTIFIED]

    def certificate(self, draft: Draft) -> str:
        """Why the quality is good enough, or why a person has to look; nothing where there is no answer."""
        found = next((check for check in draft.checks if check.name == CERTIFIED), None)
        if found is None or draft.state is DraftState.ABSTAINED:
            return ""
        told = self.found(found)
        kept = found.facts.get("kept")
        lower = isinstance(kept, float) and draft.quality is not None and draft.quality < kept
        return f"{told} {self.t('certified.over')}" if found.passed and lower else told

    def found(self, check: Check) -> str:
        """What a check found, with the words it is about; drafts of earlier releases have English only."""
        known = self.t.known("found", check.code)
        if known == check.code:
            return check.detail
        facts = check.facts
        if not facts.keys() >= {"kept", "labels"}:
            return f"{known} ‘{facts['said']}’" if "said" in facts else known
        return known.format(kept=f"{facts['kept']:.0%}", labels=f"{facts['labels']:,.0f}")

    def undoable(self, decision: Decision | None, caller: Caller | None) -> bool:
        """Whether this person can still take the decision back."""
        mine = decision is not None and caller is not None and decision.decided_by == caller.key_id
        return mine and self.undo_seconds(decision) > 0

    def undo_seconds(self, decision: Decision | None) -> int:
        """For how long the decision can be taken back from now."""
        if decision is None:
            return 0
        return max(0, int(UNDO_SECONDS - (self.now - decision.decided_at).total_seconds()))

    def changes(self, draft: Draft, sent: str) -> Iterator[Change]:
        return changes(spoken(draft).strip(), sent)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why a draft may be rejected, each with its key from 1 on."""
        return tuple(Reason)

    def decidable(self, draft: Draft) -> bool:
        return draft.state in DECIDABLE

    def unfinished(self, draft: Draft) -> bool:
        return draft.state in UNFINISHED

    def steps(self, done: str | None) -> list[Step]:
        """The stages of a draft that is being made; `done` was the last to end, None where none was."""
        at = STAGES.index(done) + 1 if done in STAGES else 0
        return [
            Step(name, "done" if n < at else "now" if n == at else "later") for n, name in enumerate(STAGES)
        ]

    def used(self, draft: Draft) -> bool:
        """Whether it was approved: then there is no use in another one."""
        return draft.state in USED

    def has_outcome(self, draft: Draft) -> bool:
        """Whether there is something to show beside the state."""
        return bool(draft.reply or draft.evidence)

    # -- figures ---------------------------------------------------------------------------------------

    def figure(self, name: str, value: float | None) -> str:
        """A figure of the promises: a share unless it is one of those that are not."""
        if value is None:
            return "–"
        if name in NO_SHARES:
            return f"{value:.2f}".removesuffix(".00")
        return f"{value:.1%}"

    def group(self, by: str, name: str, agents: Mapping[str, str]) -> str:
        """What a group of the figures is called."""
        if by == "agent":
            return agents.get(name) or name[:8] or "–"
        return self.t.known(by, name) if name else "–"

    # -- evidence --------------------------------------------------------------------------------------

    def kind(self, evidence: Evidence) -> str:
        internal = evidence.visibility is Visibility.INTERNAL
        return "internal" if internal else evidence.kind.value

    def stale(self, evidence: Evidence) -> bool:
        return evidence.updated_at is not None and self.now - evidence.updated_at > STALE

    def preview(self, evidence: Evidence) -> str:
        return markdown.plain(evidence.snippet)

    def passage(self, evidence: Evidence) -> Markup:
        return markdown.to_html(evidence.snippet)

    def link(self, evidence: Evidence) -> str | None:
        """Only web addresses become links: an article may claim to live at javascript:..."""
        return self.web(evidence.url)

    def web(self, url: str | None) -> str | None:
        return url if url and url.startswith(("https://", "http://")) else None

    def markdown(self, text: str) -> Markup:
        return markdown.to_html(text)

    # -- replies ---------------------------------------------------------------------------------------

    @property
    def most_characters(self) -> int:
        """Of a reply that can be sent."""
        return MAX_TEXT_CHARACTERS

    def pieces(self, draft: Draft) -> Iterator[Piece]:
        """The reply, cut at marks that point at evidence there is."""
        known = {e.n for e in draft.evidence}
        begun = 0
        for mark in _MARK.finditer(draft.reply):
            if int(mark[1]) in known:
                yield Piece(draft.reply[begun : mark.start()])
                yield Piece(mark[1], int(mark[1]))
                begun = mark.end()
        yield Piece(draft.reply[begun:])

    def spoken(self, draft: Draft) -> str:
        return spoken(draft)


def _in(zone: tzinfo, moment: datetime) -> datetime:
    """The moment in `zone`; as it is where the calendar ends before the zone's clock gets there."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def spoken(draft: Draft) -> str:
    """The reply as a customer reads it: without the marks that point at evidence."""
    known = {e.n for e in draft.evidence}
    return _MARK.sub(lambda mark: "" if int(mark[1]) in known else mark[0], draft.reply)
