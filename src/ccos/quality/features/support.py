"""How much of an answer stands in its evidence: as a whole, sentence by sentence, and word for word."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ccos.quality.features.sources import SHINGLE, Source, squeezed
from ccos.quality.features.text import Word, chains, shingles

THIN = 0.8
"""Weight of words below which a sentence claims nothing."""


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of an answer, in lower case."""

    text: str
    words: tuple[Word, ...]
    courtesy: bool

    @property
    def weight(self) -> float:
        return sum([word.weight for word in self.words])


def word_support(words: Sequence[Word], sources: Sequence[Source]) -> list[float]:
    """For each word the most any source has of it; each word is looked up once."""
    known: dict[str, float] = {}
    for word in words:
        if word.stem not in known:
            best = 0.0
            for source in sources:
                best = max(best, source.supports(word))
                if best == 1.0:
                    break
            known[word.stem] = best
    return [known[word.stem] for word in words]


def share(words: Sequence[Word], held: Sequence[float]) -> float:
    """The weighted mean of what is held of the words; 0 without words."""
    total = math.fsum(word.weight for word in words)
    return math.fsum(w.weight * h for w, h in zip(words, held, strict=True)) / total if total else 0.0


def supported(
    said: Sequence[Said], sources: Sequence[Source], per_sentence: Sequence[Sequence[float]]
) -> dict[str, float]:
    """`per_sentence` is the support of each word of each sentence by all sources together."""
    told = list(zip(said, per_sentence, strict=True))
    claiming = [(one, held) for one, held in told if is_claim(one)]
    claims = claiming or told
    shares = [share(one.words, held) for one, held in claims]
    words = [word for one, _ in claims for word in one.words]
    held = [value for _, values in claims for value in values]
    every = [word for one in said for word in one.words]
    every_held = [value for values in per_sentence for value in values]
    telling = [value for word, value in zip(words, held, strict=True) if word.weight >= 0.5]
    fresh = sum([value < 0.5 for value in telling])
    return {
        "support": share(words, held),
        "support_all": share(every, every_held),
        "support_mean": math.fsum(shares) / len(shares) if shares else 0.0,
        "support_weakest": min(shares, default=0.0),
        "support_best_passage": max(
            (share(words, word_support(words, [source])) for source in sources), default=0.0
        ) if len(sources) > 1 else share(words, held),
        "weakest_word": min(telling, default=0.0),
        "fresh_words": math.log1p(fresh),
        "fresh_share": fresh / max(1, len(telling)),
        "claims": math.log1p(len(claiming)),
        "no_claim": float(not claiming),
        "courtesy_share": 1.0 - sum(len(one.text) for one, _ in claiming) / max(1, sum(len(s.text) for s in said)),
    }  # fmt: skip


def is_claim(one: Said) -> bool:
    return not one.courtesy and one.weight >= THIN


def copied(text: str, words: Sequence[Word], sources: Sequence[Source]) -> dict[str, float]:
    """Overlap of 2- and 3-word chains and of character 5-grams, and the longest span that was copied."""
    stems = [word.stem for word in words]
    pairs, triples = list(chains(stems, 2)), list(chains(stems, 3))
    flat = squeezed(text)
    grams = shingles(flat, SHINGLE)
    there = [any([gram in source.shingles for source in sources]) for gram in grams]
    longest = run = 0
    for hit in there:
        run = run + 1 if hit else 0
        longest = max(longest, run)
    return {
        "pairs": sum([any([p in s.pairs for s in sources]) for p in pairs]) / max(1, len(pairs)),
        "triples": sum([any([t in s.triples for s in sources]) for t in triples]) / max(1, len(triples)),
        "shingles": sum(there) / max(1, len(grams)),
        "longest_copy": math.log1p(longest + SHINGLE - 1 if longest else 0),
        "longest_copy_share": min(1.0, (longest + SHINGLE - 1) / max(1, len(flat))) if longest else 0.0,
    }


def used(answer: Source, evidence: Sequence[Sequence[Word]]) -> float:
    """The largest share of one passage's words that the answer takes up."""
    return max((share(words, [answer.supports(w) for w in words]) for words in evidence), default=0.0)
