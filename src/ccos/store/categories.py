"""Categories of the knowledge base: how much is in each, and which are switched off."""

from __future__ import annotations

from dataclasses import dataclass

from ccos.domain.errors import BadInput, NotFound
from ccos.domain.knowledge import BETWEEN, LEVELS, category_levels, category_path
from ccos.store import knowledge
from ccos.store.database import Tx


@dataclass(frozen=True, slots=True)
class CategoryCount:
    """`items` counts what is in it and below it and not archived; inactive: none of that is found.

    One is inactive too when one above it is switched off; `switched_off` says that it is itself.
    """

    path: str
    items: int
    active: bool
    switched_off: bool


async def every(tx: Tx) -> list[CategoryCount]:
    """All levels of all paths that items have or that are switched off, in the order of their names."""
    rows = await tx.rows(
        """
        WITH item AS (
            SELECT string_to_array(category, %(between)s) AS levels, count(*) AS items FROM kb_item
             WHERE tenant_id = %(tenant)s AND category IS NOT NULL AND archived_at IS NULL GROUP BY category),
        level AS (
            SELECT array_to_string(levels[:depth], %(between)s) AS path, items
              FROM item, generate_series(1, cardinality(levels)) AS depth),
        named AS (
            SELECT path, items FROM level
             UNION ALL SELECT path, 0 FROM kb_category_off WHERE tenant_id = %(tenant)s)
        SELECT path, sum(items)::bigint AS items,
               EXISTS (SELECT FROM kb_category_off AS off WHERE off.tenant_id = %(tenant)s
                          AND off.path = named.path) AS switched_off,
               kb_hidden(%(tenant)s, path) AS hidden
          FROM named GROUP BY path ORDER BY string_to_array(path, %(between)s)""",
        between=BETWEEN,
    )
    return [CategoryCount(row["path"], row["items"], not row["hidden"], row["switched_off"]) for row in rows]


async def switch(tx: Tx, path: str, *, active: bool) -> CategoryCount:
    """Show or hide the items of a category and of those below it; doing it again changes nothing.

    Search indexes hear of each item. Raises `NotFound` for a category that no item has, `BadInput` for more
    than three levels.
    """
    named = category_path(path)
    if named is None or category_levels(path) > LEVELS:
        raise BadInput(f"A category has one to {LEVELS} levels, as 배송{BETWEEN}지연.")
    await knowledge.one_writer(tx)
    if active:
        done = await tx.run(
            "DELETE FROM kb_category_off WHERE tenant_id = %(tenant)s AND path = %(path)s", path=named
        )
    else:
        done = await tx.run(
            "INSERT INTO kb_category_off (tenant_id, path) SELECT %(tenant)s, %(path)s"
            " WHERE EXISTS (SELECT FROM kb_item"
            "                WHERE tenant_id = %(tenant)s AND kb_within(category, %(path)s))"
            " ON CONFLICT DO NOTHING",
            path=named,
        )
    if done:
        rows = await tx.rows(
            "SELECT id FROM kb_item WHERE tenant_id = %(tenant)s AND kb_within(category, %(path)s)"
            "   AND archived_at IS NULL",
            path=named,
        )
        await knowledge.changed(tx, [row["id"] for row in rows])
    found = next((each for each in await every(tx) if each.path == named), None)
    if found is None and not done:
        raise NotFound(f"No item has the category {named[:100]}; `ccos kb categories` shows those there are.")
    return found or CategoryCount(named, 0, active=True, switched_off=False)
