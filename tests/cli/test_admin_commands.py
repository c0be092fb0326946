"""Tenants, keys and knowledge, from making to finding."""

from __future__ import annotations

import gzip
import json
import re

from support.ccos_command import Command

SETTINGS = {
    "company": {"ko": "가게"},
    "categories": [{"name": "환불", "intents": ["refund_status"]}],
    "tags": ["불량"],
    "cloud_allowed": False,
}


def test_a_tenant_is_made_listed_configured_and_shown(ccos: Command) -> None:
    (ccos.folder / "settings.json").write_text(json.dumps(SETTINGS))
    made = ccos("tenants", "create", "acme", "Acme\x1b[31m", "--json")
    assert made.code == 0 and made.json["slug"] == "acme" and made.json["settings"]["cloud_allowed"] is True
    again = ccos("tenants", "create", "acme", "Acme")
    assert again.code == 2 and again.sentence == "There is a tenant 'acme' already; choose another slug."
    listed = ccos("tenants", "list")
    assert listed.code == 0 and re.search(r"^acme +Acme\[31m$", listed.out, re.MULTILINE)
    changed = ccos("tenants", "set", "acme", "settings.json", "--json")
    assert changed.code == 0 and changed.json["settings"]["categories"][0]["name"] == "환불"
    shown = ccos("tenants", "show", "acme")
    assert "cloud:          never" in shown.out and "categories:     환불" in shown.out


def test_settings_that_do_not_fit_change_nothing(ccos: Command) -> None:
    ran = ccos("tenants", "set", "acme", "-", input='{"tag": []}', CCOS_HOME="/dev/null/none")
    assert ran.code == 2 and ran.sentence == "tag is not a field of a settings file: did you mean tags?"


def test_a_limit_of_its_own_smaller_than_a_few_replies_is_noted(ccos: Command, shop: str) -> None:
    def put(limit: str) -> str:
        given = json.dumps({"daily_cost_limit_usd": limit})
        ran = ccos("tenants", "set", shop, "-", input=given, OPENAI_API_KEY="k", OPENAI_MODEL="gpt-4o")
        assert ran.code == 0
        return ran.err

    assert put("0.01").startswith("Note: daily_cost_limit_usd is 0.01 USD, and one reply of gpt-4o holds")
    assert put("5") == ""


def test_a_slug_that_cannot_be_used_is_told(ccos: Command) -> None:
    ran = ccos("tenants", "create", "Acme Corp", "Acme")
    assert ran.code == 2 and "take 1 to 63 of a-z, 0-9 and -" in ran.sentence


def test_a_key_is_shown_once_listed_and_revoked(ccos: Command, shop: str) -> None:
    made = ccos("keys", "create", "--role", "agent", "--tenant", shop, "--label", "[b]desk[/b]", "--json")
    assert made.code == 0 and not made.err
    key = made.json
    assert re.fullmatch(r"ccos_[\w-]{43}", key["key"]) and key["role"] == "agent" and key["tenant"] == shop
    listed = ccos("keys", "list")
    assert key["key"] not in listed.out and "[b]desk[/b]" in listed.out
    assert re.search(rf"^{key['id']} +shop +agent .*never .*valid *$", listed.out, re.MULTILINE)
    assert ccos("keys", "revoke", key["id"]).code == 0
    (row,) = ccos("keys", "list", "--tenant", shop, "--json").json["keys"]
    assert row["id"] == key["id"] and row["revoked_at"] and "key" not in row


def test_a_key_that_is_not_there_cannot_be_revoked(ccos: Command, shop: str) -> None:
    ran = ccos("keys", "revoke", "no id")
    assert ran.code == 2
    assert ran.sentence == "There is no key with this id; `ccos keys list` shows those there are."


def test_a_folder_is_imported_as_far_as_it_can_be_read(ccos: Command) -> None:
    assert ccos("tenants", "create", "library", "Library").out.startswith("Made the tenant library.")
    (ccos.folder / "kb").mkdir()
    (ccos.folder / "kb" / "good.md").write_text("# Shipping\n\nParcels leave the same day.\n")
    (ccos.folder / "kb" / "more.csv.gz").write_bytes(
        gzip.compress("제목,본문\n교환,7일 안에 교환됩니다.\n".encode())
    )
    (ccos.folder / "kb" / "bad.json").write_text("{")
    (ccos.folder / "kb" / "logo.png").write_bytes(b"\x89PNG")
    ran = ccos("kb", "import", "kb", "--tenant", "library", "--json")
    assert ran.code == 0
    assert {name: ran.json[name] for name in ("added", "unchanged", "skipped")} == {
        "added": 2,
        "unchanged": 0,
        "skipped": 1,
    }
    assert [problem["file"] for problem in ran.json["problems"]] == ["bad.json"]
    assert any(line.startswith("ccos: bad.json: ") for line in ran.err.splitlines())
    (ccos.folder / "kb" / "bad.json").unlink()
    (ccos.folder / "kb" / "good.md").unlink()
    again = ccos("kb", "import", "kb", "--tenant", "library", "--archive-missing")
    assert again.code == 0
    assert again.out == "0 added, 0 changed, 1 unchanged, 1 archived; 1 files of other kinds passed over.\n"
    stats = ccos("kb", "stats", "--tenant", "library", "--json")
    assert {name: stats.json[name] for name in ("tenant", "kb", "cases", "passages")} == {
        "tenant": "library",
        "kb": 1,
        "cases": 0,
        "passages": 1,
    }


def test_an_import_of_nothing_fails(ccos: Command) -> None:
    (ccos.folder / "kb").mkdir()
    missing = ccos("kb", "import", "none")
    assert missing.code == 2 and missing.sentence.startswith("There is no file or folder none;")
    (ccos.folder / "kb" / "bad.json").write_text("[]{")
    bad = ccos("kb", "import", "kb")
    assert bad.code == 1 and bad.err.splitlines()[-1] == "ccos: Nothing could be imported."


def test_search_finds_passages_of_its_own_tenant_only(ccos: Command, shop: str) -> None:
    found = ccos("kb", "search", "환불 며칠", "--tenant", shop, "--json").json
    assert [hit["id"] for hit in found["results"]] == ["refund"] and "영업일 3일" in found["results"][0][
        "snippet"
    ]
    shown = ccos("kb", "search", "환불 며칠", "--tenant", shop)
    assert shown.out.splitlines()[0].startswith("1. 환불 기간  refund  1.00")
    other = ccos("kb", "search", "환불 며칠")
    assert other.code == 0 and not other.out and other.sentence.startswith("Nothing was found")
