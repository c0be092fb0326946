"""Whether a database will do: looked at once, at start-up."""

from __future__ import annotations

from ccos.store.database import Database, Tx
from ccos.store.migrate import compare

OLDEST_SERVER = 16


async def problems(database: Database) -> list[str]:
    """One sentence per thing that is wrong, each saying what to do. Raises `DatabaseUnavailable`."""
    async with database.unbound() as tx:
        found = [await _server(tx), await _text(tx), await _role(tx), await _schema(tx)]
    return [sentence for sentence in found if sentence]


async def _server(tx: Tx) -> str | None:
    row = await tx.row("SELECT current_setting('server_version_num')::int / 10000 AS major")
    major = int(row["major"]) if row else 0
    if major >= OLDEST_SERVER:
        return None
    return f"The server is PostgreSQL {major}; CCOS needs {OLDEST_SERVER} or newer: upgrade it."


async def _text(tx: Tx) -> str | None:
    """Asked by trying: a C locale calls no Hangul syllable a letter and knows no upper case but ASCII."""
    row = await tx.row(
        "SELECT current_setting('server_encoding') AS encoding,"
        "       '한글' ~ '^[[:alpha:]]+$' AND upper('é') = 'É' AS knows_hangul"
    )
    if row and row["encoding"] == "UTF8" and row["knows_hangul"]:
        return None
    encoding = row["encoding"] if row else "unknown"
    return (
        f"The database (encoding {encoding}) does not know Korean letters; create it again with "
        "ENCODING 'UTF8' and a locale such as C.UTF-8 or ko_KR.UTF-8, then restore the data."
    )


async def _role(tx: Tx) -> str | None:
    """The login counts beside the role it steps down to: what it put on it could take off again."""
    row = await tx.row(
        "SELECT max(rolname) FILTER (WHERE rolsuper OR rolbypassrls) AS bypasses, current_user AS name,"
        "       EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('ccos')"
        "               AND relkind = 'r' AND pg_has_role(current_user, relowner, 'USAGE')) AS owns"
        "  FROM pg_roles WHERE rolname IN (current_user, session_user)"
    )
    if row and row["bypasses"]:
        return (
            f"The role {row['bypasses']} bypasses row-level security, so tenants would see each other's "
            "tickets; log in as a role that is a member of ccos_app and neither SUPERUSER nor BYPASSRLS."
        )
    if row and row["owns"]:
        return (
            f"The role {row['name']} owns the tables, so it could switch row-level security off; "
            "log in as another role that is a member of ccos_app and use the owner for migrations only."
        )
    return None


async def _schema(tx: Tx) -> str | None:
    there = await tx.row(
        "SELECT to_regnamespace('ccos') IS NULL OR has_schema_privilege(to_regnamespace('ccos'), 'USAGE')"
        "       AS reachable, to_regnamespace('ccos') IS NOT NULL"
        "       AND has_schema_privilege(to_regnamespace('ccos'), 'USAGE')"
        "       AND to_regclass('ccos.schema_migration') IS NOT NULL AS found"
    )
    if there and not there["reachable"]:
        return (
            "The role may not use the schema ccos; run `GRANT ccos_app TO` it as the server's administrator."
        )
    recorded = await tx.rows("SELECT name, sha256 FROM schema_migration") if there and there["found"] else []
    return compare({row["name"]: bytes(row["sha256"]) for row in recorded}).problem
