"""Search while there is no index: slower and plainer, and never empty for want of one.

Passages are read in the store and the terms of the query counted in them; the best are ordered like the
candidates of the index. Nothing is stemmed, no typo is forgiven, and of many passages only the newest may be
read in the time there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ccos.domain.evidence import EvidenceKind
from ccos.knowledge import cards, korean, ranking
from ccos.knowledge.cards import Hit
from ccos.knowledge.engine import findable
from ccos.knowledge.filler import FILLER, without_particles
from ccos.knowledge.filtering import EVERYTHING, Filter
from ccos.knowledge.querying import MOST_CHARACTERS, inverse_frequency
from ccos.knowledge.shelf import Shelf, Sighting

SECONDS = 1.5
"""For all queries of a search together."""

MOST_TERMS, MOST_SEEN = 16, 60
MOST_SIFTED = 600
"""Passages that are seen where many of them may not be found."""


async def search(
    shelf: Shelf,
    tenant_id: UUID,
    kind: EvidenceKind,
    queries: Sequence[str],
    limit: int,
    now: datetime,
    only: Filter = EVERYTHING,
    *,
    seconds: float = SECONDS,
) -> list[list[Hit]]:
    """The best passage of each of the `limit` best items, for each query. Raises what the shelf raises."""
    asked = [found for query in queries if (found := terms(query))]
    share = seconds / max(len(asked), 1)
    most = MOST_SEEN if only == EVERYTHING else MOST_SIFTED
    return [
        ordered(each, await shelf.scan(tenant_id, kind, each, most=most, seconds=share), now, only)[:limit]
        for each in asked
    ]


def terms(query: str) -> list[str]:
    """What is looked for: codes, Latin words and syllable pairs, without filler; the beginning counts."""
    read = without_particles(query[:MOST_CHARACTERS])
    found = list(dict.fromkeys(term for term in korean.words(read) if term not in FILLER))
    telling = [term for term in found if ranking.telling(term)]
    return sorted(telling or found, key=lambda term: not term.isascii())[:MOST_TERMS]


def ordered(
    terms: Sequence[str], sightings: Sequence[Sighting], now: datetime, only: Filter = EVERYTHING
) -> list[Hit]:
    """By BM25 among what was seen; of each item its best passage, none that has run out or is not wanted."""
    seen = [
        cards.read(cards.written(each.shelved, each.ordinal, each.passage), float(each.matches))
        for each in sightings
    ]
    hits = [hit for hit in seen if findable(hit, now, only)]
    texts = [f"{hit.title} {hit.heading} {hit.text}".lower() for hit in hits]
    rarity = {term: inverse_frequency(len(texts), sum(term in text for text in texts)) for term in terms}
    scores = ranking.scores(ranking.Weighed(rarity, {}, {}), (), hits)
    best: dict[str, Hit] = {}
    for _, hit in sorted(zip(scores, hits, strict=True), key=lambda each: (-each[0], each[1].external_id)):
        best.setdefault(hit.item, hit)
    return list(best.values())


async def still_there(shelf: Shelf, tenant_id: UUID, ranked: Sequence[Sequence[Hit]]) -> list[list[Hit]]:
    """Without what has changed or gone since an index that no longer follows took it in."""
    ids = {UUID(hit.item) for hits in ranked for hit in hits}
    shelved = await shelf.load(tenant_id, ids) if ids else []
    there = {(each.id.hex, each.version) for each in shelved if not each.archived}
    return [[hit for hit in hits if (hit.item, hit.version) in there] for hits in ranked]
