"""What is known beside the texts: vetoes, the search engine's scores, the tokens' log-probabilities."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from ccos.domain.evidence import Evidence
from ccos.domain.prompt import Answer
from ccos.domain.verdict import Veto

KINDS = (
    "banned", "citation", "commitment", "empty", "informal", "internal", "language", "leak", "looping",
    "mixed_speech", "pii", "placeholder", "too_long", "truncated", "unsupported",
)  # fmt: skip
MOST_OF_A_KIND = 3


def refused(vetoes: Sequence[Veto]) -> dict[str, float]:
    """How many vetoes of each kind: a vetoed answer is seldom approved."""
    counts = Counter(veto.kind for veto in vetoes)
    return {f"veto_{kind}": float(min(MOST_OF_A_KIND, counts[kind])) for kind in KINDS}


def retrieved(evidence: Sequence[Evidence]) -> dict[str, float]:
    """Number of passages, and the lead of the best score, where the search engine gave scores."""
    scores = sorted((e.score for e in evidence if math.isfinite(e.score) and e.score > 0), reverse=True)
    lead = (scores[0] - scores[1]) / scores[0] if len(scores) > 1 else 0.0
    return {
        "passages": math.log1p(len(evidence)),
        "no_evidence": float(not evidence),
        "score_best": math.log1p(min(scores[0], 1e6)) if scores else 0.0,
        "score_lead": lead,
        "no_scores": float(not scores),
    }


def likely(answer: Answer) -> dict[str, float]:
    """The mean log-probability of the tokens and that of the least likely tenth, where there are any."""
    found = sorted(max(-20.0, min(0.0, p)) for p in answer.logprobs if math.isfinite(p))
    lowest = found[: max(1, len(found) // 10)]
    return {
        "logprob": math.fsum(found) / len(found) if found else 0.0,
        "logprob_lowest": math.fsum(lowest) / len(lowest) if found else 0.0,
        "no_logprobs": float(not found),
    }
