"""Models worth trying for Korean support, by size and licence: what to look for, not where to get it.

Sizes are those of Q4_K_M files, as makers or packagers tell them; read the licence itself before a model is
used for business.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Known:
    """`gigabytes` (10^9 bytes) is None where nobody says. `commercial`: what the licence allows."""

    name: str
    title: str
    maker: str
    tier: Literal["tier_1", "tier_2"]
    gigabytes: float | None
    licence: str
    commercial: Literal["yes", "own terms", "no"]
    note: str

    def document(self) -> dict[str, Any]:
        return asdict(self)


CATALOGUE: tuple[Known, ...] = (
    Known("qwen3-8b", "Qwen3 8B", "Alibaba", "tier_1", 5.03, "Apache-2.0", "yes",
          "A safe first choice for tier 1."),
    Known("kanana-1.5-8b", "Kanana 1.5 8B", "Kakao", "tier_1", 4.9, "Apache-2.0", "yes",
          "Made for Korean first; of the Llama architecture. Size estimated from its shape."),
    Known("a.x-4.0-light", "A.X 4.0 Light 7B", "SK Telecom", "tier_1", 4.7, "Apache-2.0", "yes",
          "Needs fewer tokens for Korean, by its maker. Size estimated; the 72B model has other terms."),
    Known("qwen3.5-9b", "Qwen3.5 9B", "Alibaba", "tier_1", 6.6, "Apache-2.0", "yes",
          "201 languages; hybrid attention: see with `ccos models bench` that a warm prefix pays."),
    Known("qwen3-4b", "Qwen3 4B", "Alibaba", "tier_1", 2.5, "Apache-2.0", "yes",
          "For tier 1 on a small machine."),
    Known("qwen3.5-4b", "Qwen3.5 4B", "Alibaba", "tier_1", 3.4, "Apache-2.0", "yes",
          "As the 9B, smaller."),
    Known("gemma-4-e2b", "Gemma 4 E2B", "Google", "tier_2", 3.4, "Apache-2.0", "yes",
          "The fewest tokens for Korean of those measured. Apache since version 4; Gemma 3 has own terms."),
    Known("qwen3.5-2b", "Qwen3.5 2B", "Alibaba", "tier_2", 2.7, "Apache-2.0", "yes",
          "As the 9B, for tier 2."),
    Known("qwen3.5-0.8b", "Qwen3.5 0.8B", "Alibaba", "tier_2", 1.0, "Apache-2.0", "yes",
          "The smallest of its family."),
    Known("kanana-1.5-2.1b", "Kanana 1.5 2.1B", "Kakao", "tier_2", 1.4, "Apache-2.0", "yes",
          "Made for Korean first. The older kanana-nano-2.1b may not be used for business."),
    Known("hyperclova-x-seed-1.5b", "HyperCLOVA X SEED 1.5B", "Naver", "tier_2", None, "HyperCLOVA X SEED",
          "own terms", "Business use is offered under its own agreement: read it first."),
    Known("midm-2.0-mini", "Mi:dm 2.0 Mini 2.3B", "KT", "tier_2", None, "unconfirmed", "own terms",
          "Announced as free for business; read its licence first."),
    Known("exaone-3.5-2.4b", "EXAONE 3.5 2.4B", "LG", "tier_2", 1.64, "EXAONE (non-commercial)", "no",
          "For trials only."),
    Known("tinyllama-1.1b", "TinyLlama 1.1B", "TinyLlama", "tier_2", 0.67, "Apache-2.0", "yes",
          "English in practice: two to three times as many tokens for a Korean sentence."),
)  # fmt: skip

MINIMAX_NOTE = (
    "MiniMax-M2 is a mixture of 230 billion weights (10 billion active): about 140 GB as a Q4_K_M file, for"
    " several large graphics cards. No 7B version of it was found. Serve it by URL (MINIMAX_BASE_URL); as a"
    " file of tier 1 take any chat model of 7 to 9 billion weights."
)


def known(name: str) -> Known | None:
    return next((each for each in CATALOGUE if each.name == name), None)
