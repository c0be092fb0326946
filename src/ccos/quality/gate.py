"""The gate: vetoes first, then a score. It judges; what follows is decided elsewhere."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from ccos.domain.prompt import Answer, Prompt
from ccos.domain.ticket import MAX_TEXT_CHARACTERS
from ccos.domain.tier import Task, Tier
from ccos.domain.verdict import Verdict, Veto
from ccos.quality.folding import storable
from ccos.quality.form_check import OUR_OWN, strings
from ccos.quality.heuristic import HeuristicBaseline
from ccos.quality.priors import without_prior
from ccos.quality.promises import Promises
from ccos.quality.reading import Reading
from ccos.quality.shape import fault, parse_object
from ccos.quality.vetoes import CUSTOMER_TEXT, Family


class Scorer(Protocol):
    """Measures how good an answer is. `name` travels with every score; it never raises.

    `vetoes` are what the families found, for a scorer that takes them into account.
    """

    name: str

    def score(
        self, reading: Reading, vetoes: Sequence[Veto]
    ) -> tuple[float, tuple[tuple[str, float], ...]]: ...


BASELINE = HeuristicBaseline()


class Gate:
    """Judges answers. `vetoes` are the families that look at text for customers.

    With `promises`, a customer's text is accepted by certified thresholds; without, its quality is compared
    with what is required as it stands. Pure and without I/O; it never raises on hostile text, and its time
    is linear in the texts.
    """

    def __init__(
        self,
        scorer: Scorer = BASELINE,
        *,
        vetoes: Sequence[Family] = CUSTOMER_TEXT,
        promises: Promises | None = None,
    ) -> None:
        self._scorer = scorer
        self._vetoes = tuple(vetoes)
        self._promises = promises

    def judge(
        self, prompt: Prompt, answer: Answer, *, tenant_id: UUID | None = None, tier: Tier | None = None
    ) -> Verdict:
        """What the gate says of `answer`; whatever its score, a veto overrules it."""
        verdict = self._read(prompt, answer, tier)
        if self._promises is None or prompt.task in OUR_OWN:
            return verdict
        promise = self._promises.promise_after(
            tenant_id,
            prompt.task,
            tier,
            scorer=verdict.scorer,
            quality=verdict.quality,
            before=without_prior(verdict.quality, verdict.scores),
            model=answer.model,
        )
        return replace(verdict, promise=promise)

    def _read(self, prompt: Prompt, answer: Answer, tier: Tier | None) -> Verdict:
        raw = str(storable(answer.text))
        if len(raw) > MAX_TEXT_CHARACTERS:
            sentence = f"The answer has {len(raw)} characters, more than anybody reads."
            too_long = Veto("too_long", sentence, "escalate", (MAX_TEXT_CHARACTERS, len(raw)))
            return self._refused(prompt, raw[:MAX_TEXT_CHARACTERS], too_long)
        if prompt.schema is None or not raw.strip():
            return self._judged(prompt, answer, tier, raw, raw, None)
        payload = parse_object(raw)
        wrong = payload if isinstance(payload, str) else fault(payload, prompt.schema)
        if wrong or isinstance(payload, str):
            cut = answer.finish_reason == "length"
            more = (Veto("truncated", "The answer stops before it ends.", "repair"),) if cut else ()
            return self._refused(prompt, raw, Veto("schema", str(wrong), "repair"), *more)
        clean = storable(payload)
        assert isinstance(clean, dict)
        reply = clean.get("reply")
        if isinstance(reply, str):
            return self._judged(prompt, answer, tier, reply, reply, clean)
        compact = json.dumps(clean, ensure_ascii=False, separators=(",", ":"))
        said = strings(clean)
        if not said and prompt.task is Task.CHAT:  # `{}` or numbers alone may be all that was asked for
            name = self._name(prompt)
            return Verdict(1.0, name, compact, scores=((name, 1.0),), payload=clean)
        return self._judged(prompt, answer, tier, compact, "\n".join(said), clean)

    def _judged(
        self,
        prompt: Prompt,
        answer: Answer,
        tier: Tier | None,
        text: str,
        words: str,
        payload: dict[str, object] | None,
    ) -> Verdict:
        """`words` are what the families read: `text` itself, or the strings inside a JSON answer."""
        reading = Reading(words, prompt, answer, tier)
        standard = OUR_OWN.get(prompt.task)
        families = standard.vetoes if standard else self._vetoes
        vetoes = tuple(veto for family in families for veto in family.vetoes(reading))
        if words != text:
            vetoes = tuple(replace(veto, span=None) for veto in vetoes)
        if any(veto.kind == "empty" for veto in vetoes):
            return Verdict(0.0, self._name(prompt), text, vetoes, payload=payload)
        if standard:
            quality = standard.score(prompt, reading, payload)
            return Verdict(quality, standard.name, text, vetoes, ((standard.name, quality),), payload)
        quality, scores = self._scorer.score(reading, vetoes)
        quality = min(1.0, max(0.0, quality)) if math.isfinite(quality) else 0.0
        return Verdict(quality, self._scorer.name, text, vetoes, scores, payload)

    def _refused(self, prompt: Prompt, text: str, *vetoes: Veto) -> Verdict:
        """An answer that cannot even be read."""
        return Verdict(0.0, self._name(prompt), text, vetoes)

    def _name(self, prompt: Prompt) -> str:
        standard = OUR_OWN.get(prompt.task)
        return standard.name if standard else self._scorer.name
