"""Vectors of passages: one for each text and model, whatever items hold the text.

Whoever wants to make some claims the texts first, so that two workers never pay for the same. A vector is
numbered when it is stored; whoever has read up to a number has missed nothing before it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from ccos.domain.evidence import EvidenceKind
from ccos.store.database import Tx

CHUNK = 1_000
"""Passages that one statement looks at."""

CLAIM_SECONDS = 120.0
"""A claim of a worker that was killed ends by itself."""

ANOTHER_MODEL_DAYS = 30
"""So long the vectors of a model that is no longer set up are kept, for somebody who goes back to it."""

Place = tuple[UUID, int]
START: Place = (UUID(int=0), 0)


@dataclass(frozen=True, slots=True)
class Text:
    """What a passage says, by the hash that its vector is kept under."""

    hash: bytes
    title: str
    heading: str
    body: str


@dataclass(frozen=True, slots=True)
class Made:
    """A stored vector: 16-bit floats, low byte first."""

    seq: int
    hash: bytes
    vector: bytes


@dataclass(frozen=True, slots=True)
class Held:
    """A passage that can be found, and the hash of its text."""

    item_id: UUID
    kind: EvidenceKind
    ordinal: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of the passages that can be found, how many have a vector."""

    passages: int
    vectors: int


async def claim(tx: Tx, model: str, *, after: Place = START, most: int) -> tuple[list[Text], Place | None]:
    """The next texts without a vector, now to be made by the caller: at most `most`; where to go on.

    None at the end. Archived passages and those of categories switched off are left out. What another worker
    claimed is passed over.
    """
    rows = await tx.rows(
        """
        WITH piece AS MATERIALIZED (
            SELECT item_id, ordinal, heading, body FROM kb_passage
             WHERE tenant_id = %(tenant)s AND (item_id, ordinal) > (%(item)s, %(ordinal)s)
             ORDER BY item_id, ordinal LIMIT %(chunk)s),
        held AS MATERIALIZED (
            SELECT item_id, ordinal, title, heading, piece.body,
                   kb_text_hash(title, heading, piece.body) AS hash
              FROM piece JOIN kb_item i ON i.tenant_id = %(tenant)s AND i.id = item_id AND archived_at IS NULL
             WHERE NOT kb_hidden(%(tenant)s, category)),
        bare AS (
            SELECT DISTINCT ON (hash) * FROM held
             WHERE NOT EXISTS (SELECT FROM kb_vector v WHERE v.tenant_id = %(tenant)s AND v.model = %(model)s
                       AND v.hash = held.hash AND (v.vector IS NOT NULL OR v.claimed_until > now()))
             ORDER BY hash, item_id, ordinal),
        next AS MATERIALIZED (SELECT * FROM bare ORDER BY item_id, ordinal LIMIT %(most)s),
        mine AS (
            INSERT INTO kb_vector AS v (tenant_id, model, hash, claimed_until)
            SELECT %(tenant)s, %(model)s, hash, now() + make_interval(secs => %(seconds)s::float8)
              FROM next ORDER BY hash
            ON CONFLICT (tenant_id, model, hash) DO UPDATE SET claimed_until = excluded.claimed_until
             WHERE v.vector IS NULL AND v.claimed_until <= now()
            RETURNING hash)
        SELECT hash, title, heading, body, item_id, ordinal, (SELECT count(*) FROM next) AS found
          FROM next JOIN mine USING (hash) ORDER BY item_id, ordinal""",
        model=model,
        item=after[0],
        ordinal=after[1],
        chunk=CHUNK,
        most=most,
        seconds=CLAIM_SECONDS,
    )
    texts = [Text(bytes(row["hash"]), row["title"], row["heading"], row["body"]) for row in rows]
    if rows and rows[0]["found"] >= most:
        return texts, after  # the same chunk may have more
    return texts, await _next(tx, after)


async def store(tx: Tx, model: str, made: Mapping[bytes, bytes]) -> None:
    """The vectors of texts, by hash, as 16-bit floats. One writer at a time: numbers follow commits."""
    await tx.run("SELECT pg_advisory_xact_lock(hashtextextended('ccos.vectors ' || %(tenant)s::text, 0))")
    await tx.run(
        "INSERT INTO kb_vector AS v (tenant_id, model, hash, dimensions, vector, seq)"
        " SELECT %(tenant)s, %(model)s, hash, octet_length(vector) / 2, vector, nextval('kb_vector_seq')"
        "   FROM unnest(%(hashes)s::bytea[], %(vectors)s::bytea[]) AS made (hash, vector)"
        " ON CONFLICT (tenant_id, model, hash) DO UPDATE SET vector = excluded.vector, seq = excluded.seq,"
        "     dimensions = excluded.dimensions, claimed_until = NULL, at = now()"
        "  WHERE v.vector IS NULL",
        model=model,
        hashes=list(made),
        vectors=list(made.values()),
    )


async def release(tx: Tx, model: str, hashes: Collection[bytes], *, seconds: float = 0.0) -> None:
    """Gives claimed texts back; whoever comes may have them after that many `seconds`."""
    await tx.run(
        "UPDATE kb_vector SET claimed_until = now() + make_interval(secs => %(seconds)s::float8)"
        " WHERE tenant_id = %(tenant)s AND model = %(model)s AND hash = ANY(%(hashes)s::bytea[])"
        "   AND vector IS NULL",
        model=model,
        hashes=list(hashes),
        seconds=seconds,
    )


async def made_since(tx: Tx, model: str, seq: int, *, limit: int) -> list[Made]:
    """Vectors that were stored after number `seq` (0 for all), in the order of their numbers."""
    rows = await tx.rows(
        "SELECT seq, hash, vector FROM kb_vector"
        " WHERE tenant_id = %(tenant)s AND model = %(model)s AND seq > %(seq)s ORDER BY seq LIMIT %(limit)s",
        model=model,
        seq=seq,
        limit=limit,
    )
    return [Made(row["seq"], bytes(row["hash"]), bytes(row["vector"])) for row in rows]


async def made_of(tx: Tx, model: str, hashes: Collection[bytes]) -> list[Made]:
    """Those of the texts' vectors that there are, in no particular order."""
    rows = await tx.rows(
        "SELECT seq, hash, vector FROM kb_vector WHERE tenant_id = %(tenant)s AND model = %(model)s"
        "   AND hash = ANY(%(hashes)s::bytea[]) AND vector IS NOT NULL",
        model=model,
        hashes=list(hashes),
    )
    return [Made(row["seq"], bytes(row["hash"]), bytes(row["vector"])) for row in rows]


async def last_made(tx: Tx, model: str) -> int:
    """The number of the newest vector, 0 when there is none."""
    row = await tx.row(
        "SELECT seq FROM kb_vector WHERE tenant_id = %(tenant)s AND model = %(model)s AND seq IS NOT NULL"
        " ORDER BY seq DESC LIMIT 1",
        model=model,
    )
    return int(row["seq"]) if row else 0


async def width(tx: Tx, model: str) -> int | None:
    """How many numbers the newest vector has; None without one."""
    row = await tx.row(
        "SELECT dimensions FROM kb_vector WHERE tenant_id = %(tenant)s AND model = %(model)s"
        "   AND seq IS NOT NULL ORDER BY seq DESC LIMIT 1",
        model=model,
    )
    return int(row["dimensions"]) if row else None


async def held(tx: Tx, item_ids: Collection[UUID]) -> list[Held]:
    """The passages of those of the items that can be found."""
    rows = await tx.rows(
        "SELECT item_id, kind, ordinal, kb_text_hash(title, heading, p.body) AS hash"
        "  FROM kb_passage p JOIN kb_item i ON i.tenant_id = p.tenant_id AND i.id = p.item_id"
        " WHERE p.tenant_id = %(tenant)s AND p.item_id = ANY(%(ids)s) AND archived_at IS NULL"
        "   AND NOT kb_hidden(%(tenant)s, category) ORDER BY item_id, ordinal",
        ids=list(item_ids),
    )
    return [
        Held(row["item_id"], EvidenceKind(row["kind"]), row["ordinal"], bytes(row["hash"])) for row in rows
    ]


async def coverage(tx: Tx, model: str) -> Coverage:
    row = await tx.row(
        """
        SELECT count(*) AS passages, count(*) FILTER (WHERE EXISTS (
                   SELECT FROM kb_vector v WHERE v.tenant_id = %(tenant)s AND v.model = %(model)s
                      AND v.hash = kb_text_hash(title, heading, p.body) AND vector IS NOT NULL)) AS vectors
          FROM kb_passage p JOIN kb_item i ON i.tenant_id = p.tenant_id AND i.id = p.item_id
         WHERE p.tenant_id = %(tenant)s AND archived_at IS NULL AND NOT kb_hidden(%(tenant)s, category)""",
        model=model,
    )
    assert row is not None
    return Coverage(**row)


async def prune(tx: Tx, model: str | None, *, days: float = ANOTHER_MODEL_DAYS) -> int:
    """Deletes vectors of texts that no passage has any more, of whatever model, and what is left of models
    other than `model` (None: of none) after that many `days`. How many went.
    """
    if await tx.row("SELECT FROM kb_vector WHERE tenant_id = %(tenant)s LIMIT 1") is None:
        return 0  # nobody has to read every passage where there are no vectors
    return await tx.run(
        """
        WITH held AS MATERIALIZED (
            SELECT kb_text_hash(title, heading, p.body) AS hash
              FROM kb_passage p JOIN kb_item i ON i.tenant_id = p.tenant_id AND i.id = p.item_id
             WHERE p.tenant_id = %(tenant)s)
        DELETE FROM kb_vector v
         WHERE tenant_id = %(tenant)s
           AND (vector IS NOT NULL OR claimed_until < now())
           AND (NOT EXISTS (SELECT FROM held WHERE held.hash = v.hash)
                OR (model <> %(model)s AND at < now() - make_interval(secs => %(seconds)s::float8)))""",
        model=model,
        seconds=days * 86_400,
    )


async def _next(tx: Tx, after: Place) -> Place | None:
    """The last place of the chunk after `after`; None when the chunk is not full."""
    row = await tx.row(
        "SELECT item_id, ordinal FROM kb_passage"
        " WHERE tenant_id = %(tenant)s AND (item_id, ordinal) > (%(item)s, %(ordinal)s)"
        " ORDER BY item_id, ordinal OFFSET %(last)s LIMIT 1",
        item=after[0],
        ordinal=after[1],
        last=CHUNK - 1,
    )
    return (row["item_id"], row["ordinal"]) if row else None
