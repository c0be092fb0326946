"""Vectors of tenants too large for memory, searched by pgvector's HNSW: a copy that can be made again.

One row a passage that can be found, its vector from `kb_vector` where there is one. The table and its indexes
are made by `prepare` and `build`, with the rights of an administrator; without them nothing here is asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from ccos.domain.errors import StoreError
from ccos.domain.evidence import EvidenceKind
from ccos.store import knowledge, vectors
from ccos.store.database import Tx, patience
from ccos.store.faults import translated
from ccos.store.migrate import APP_ROLE

NEIGHBOURS, BUILD_WIDTH, SEARCH_WIDTH = 16, 128, 120
"""pgvector's m, ef_construction and ef_search."""
MOST_READ = 20_000
"""Rows that one search goes through at most where its pool is a small part of the tenant's passages."""
STEP = 500
"""Changes, and vectors, that are taken over in one transaction."""

_TABLES = """
CREATE TABLE IF NOT EXISTS kb_near (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    model text NOT NULL,
    item_id uuid NOT NULL,
    ordinal integer NOT NULL,
    kind text NOT NULL,
    hash bytea NOT NULL,
    vector halfvec,
    PRIMARY KEY (tenant_id, model, item_id, ordinal),
    FOREIGN KEY (tenant_id, item_id) REFERENCES kb_item (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS kb_near_waiting ON kb_near (tenant_id, model, hash) WHERE vector IS NULL;
CREATE TABLE IF NOT EXISTS kb_near_place (
    tenant_id uuid NOT NULL REFERENCES tenant (id) ON DELETE CASCADE,
    model text NOT NULL,
    dimensions integer NOT NULL,
    change bigint NOT NULL DEFAULT 0,
    made bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, model)
);
""" + "".join(
    f"""
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS own_tenant ON {table};
CREATE POLICY own_tenant ON {table} USING (tenant_id = current_setting('ccos.tenant')::uuid)
    WITH CHECK (tenant_id = current_setting('ccos.tenant')::uuid);
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP_ROLE};
"""
    for table in ("kb_near", "kb_near_place")
)


@dataclass(frozen=True, slots=True)
class Near:
    """A passage and how like the question it is, in [-1, 1]."""

    item_id: UUID
    ordinal: int
    hash: bytes
    likeness: float


def prepare(owner_url: str, superuser_url: str | None = None) -> None:
    """Makes the extension, where it is not there yet, and the tables. Doing it again changes nothing.

    Raises StoreError where the server has no pgvector, or the role may not make it.
    """
    with translated():
        with _connect(superuser_url or owner_url) as admin:
            try:
                admin.execute("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
            except (psycopg.errors.UndefinedFile, psycopg.errors.FeatureNotSupported):
                raise StoreError(
                    "This PostgreSQL has no pgvector; install the extension `vector` on the server."
                ) from None
            except psycopg.errors.InsufficientPrivilege:
                raise StoreError(
                    "The role may not make the extension; run `CREATE EXTENSION vector` as an administrator."
                ) from None
        with _connect(owner_url) as owner, owner.transaction():
            owner.execute("SET LOCAL search_path = ccos, public, pg_temp")
            owner.execute(_TABLES)


def build(owner_url: str, tenant_id: UUID, model: str, dimensions: int) -> None:
    """The tenant's own index, while others write: minutes for a million passages. Raises StoreError."""
    name = index_name(tenant_id, model)
    with translated(), _connect(owner_url) as owner:
        owner.execute("SET search_path = ccos, public, pg_temp")
        owner.execute("SET maintenance_work_mem = '512MB'")
        invalid = owner.execute(
            "SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [f"ccos.{name}"]
        ).fetchone()
        if invalid and invalid[0]:  # of a build that was cut off
            owner.execute(SQL("DROP INDEX {}").format(Identifier(name)))
        owner.execute(
            SQL(
                "CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON kb_near"
                " USING hnsw ((vector::halfvec({width})) halfvec_cosine_ops)"
                " WITH (m = {m}, ef_construction = {ef}) WHERE tenant_id = {tenant} AND model = {model}"
            ).format(
                name=Identifier(name),
                width=Literal(dimensions),
                m=Literal(NEIGHBOURS),
                ef=Literal(BUILD_WIDTH),
                tenant=Literal(tenant_id),
                model=Literal(model),
            )
        )
        owner.execute("ANALYZE kb_near")


def index_name(tenant_id: UUID, model: str) -> str:
    return f"kb_near_{hashlib.sha256(f'{tenant_id} {model}'.encode()).hexdigest()[:20]}"


async def begin(tx: Tx, model: str, dimensions: int) -> None:
    """From now on the tenant's vectors of the model are followed."""
    await tx.run(
        "INSERT INTO kb_near_place (tenant_id, model, dimensions) VALUES (%(tenant)s, %(model)s, %(width)s)"
        " ON CONFLICT DO NOTHING",
        model=model,
        width=dimensions,
    )


async def width(tx: Tx, model: str) -> int | None:
    """The dimensions of the vectors that are followed; None where none are, or nothing was prepared."""
    there = await tx.row("SELECT to_regclass('ccos.kb_near_place') IS NOT NULL AS there")
    if not there or not there["there"]:
        return None
    row = await tx.row(
        "SELECT dimensions FROM kb_near_place WHERE tenant_id = %(tenant)s AND model = %(model)s", model=model
    )
    return int(row["dimensions"]) if row else None


async def more_than(tx: Tx, model: str, many: int) -> bool:
    """Whether the copy holds more passages than that."""
    row = await tx.row(
        "SELECT count(*) > %(many)s AS more FROM (SELECT FROM kb_near"
        " WHERE tenant_id = %(tenant)s AND model = %(model)s LIMIT %(many)s + 1) AS held",
        model=model,
        many=many,
    )
    return bool(row and row["more"])


async def follow(tx: Tx, model: str) -> bool:
    """Takes over the next changes and vectors; whether there may be more."""
    place = await tx.row(
        "SELECT change, made FROM kb_near_place"
        " WHERE tenant_id = %(tenant)s AND model = %(model)s FOR UPDATE",
        model=model,
    )
    if place is None:
        return False
    changes = await knowledge.changes_since(tx, place["change"], limit=STEP)
    if changes:
        await _take_over(tx, model, [each.item_id for each in changes])
    made = await vectors.made_since(tx, model, place["made"], limit=STEP)
    if made:
        await tx.run(
            "UPDATE kb_near AS n SET vector = given.vector::public.halfvec"
            "  FROM unnest(%(hashes)s::bytea[], %(vectors)s::text[]) AS given (hash, vector)"
            " WHERE n.tenant_id = %(tenant)s AND n.model = %(model)s AND n.hash = given.hash"
            "   AND n.vector IS NULL",
            model=model,
            hashes=[each.hash for each in made],
            vectors=[_text(each.vector) for each in made],
        )
    await tx.run(
        "UPDATE kb_near_place SET change = %(change)s, made = %(made)s"
        " WHERE tenant_id = %(tenant)s AND model = %(model)s",
        model=model,
        change=changes[-1].seq if changes else place["change"],
        made=made[-1].seq if made else place["made"],
    )
    return len(changes) == STEP or len(made) == STEP


async def nearest(
    tx: Tx, model: str, kind: EvidenceKind, query: Sequence[float], most: int, *, dimensions: int
) -> list[Near]:
    """The passages of a pool nearest to the question, best first, as far as the index finds them."""
    await tx.run(
        "SELECT set_config('hnsw.ef_search', %(width)s, true),"
        "       set_config('hnsw.iterative_scan', 'strict_order', true),"
        "       set_config('hnsw.max_scan_tuples', %(read)s, true)",
        width=str(max(SEARCH_WIDTH, min(2 * most, 1_000))),
        read=str(MOST_READ),
    )
    rows = await tx.rows(asked(tx, model, kind, query, most, dimensions=dimensions))
    return [Near(row["item_id"], row["ordinal"], bytes(row["hash"]), float(row["likeness"])) for row in rows]


def asked(
    tx: Tx, model: str, kind: EvidenceKind, query: Sequence[float], most: int, *, dimensions: int
) -> LiteralString:
    """The statement with its values written out: an index of some rows is used only where the plan knows
    which rows are asked for."""
    width = Literal(dimensions)
    distance = SQL(
        "(vector::public.halfvec({width}) OPERATOR(public.<=>) {query}::public.halfvec({width}))"
    ).format(width=width, query=Literal(_shown(query)))
    statement = SQL(
        "SELECT item_id, ordinal, hash, 1 - {distance} AS likeness FROM kb_near"
        " WHERE tenant_id = {tenant} AND model = {model} AND kind = {kind} AND vector IS NOT NULL"
        " ORDER BY {distance} LIMIT {most}"
    ).format(
        distance=distance,
        tenant=Literal(tx.tenant_id),
        model=Literal(model),
        kind=Literal(kind.value),
        most=Literal(most),
    )
    return statement.as_string(tx.connection).replace("%", "%%")


async def _take_over(tx: Tx, model: str, item_ids: list[UUID]) -> None:
    await tx.run(
        "DELETE FROM kb_near WHERE tenant_id = %(tenant)s AND model = %(model)s AND item_id = ANY(%(ids)s)",
        model=model,
        ids=item_ids,
    )
    held = await vectors.held(tx, item_ids)
    made = {each.hash: each.vector for each in await vectors.made_of(tx, model, {each.hash for each in held})}
    await tx.run(
        "INSERT INTO kb_near (tenant_id, model, item_id, ordinal, kind, hash, vector)"
        " SELECT %(tenant)s, %(model)s, item_id, ordinal, kind, hash, vector::public.halfvec"
        "   FROM unnest(%(items)s::uuid[], %(ordinals)s::int[], %(kinds)s::text[], %(hashes)s::bytea[],"
        "               %(vectors)s::text[]) AS given (item_id, ordinal, kind, hash, vector)",
        model=model,
        items=[each.item_id for each in held],
        ordinals=[each.ordinal for each in held],
        kinds=[each.kind.value for each in held],
        hashes=[each.hash for each in held],
        vectors=[_text(made[each.hash]) if each.hash in made else None for each in held],
    )


def _text(vector: bytes) -> str:
    """16-bit floats, low byte first, as pgvector reads them."""
    import numpy as np

    return _shown(np.frombuffer(vector, dtype="<f2").astype(np.float32).tolist())


def _shown(numbers: Sequence[float]) -> str:
    return "[" + ",".join(f"{number:.6g}" for number in numbers) + "]"


def _connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url, autocommit=True, **patience(url, seconds=10))
