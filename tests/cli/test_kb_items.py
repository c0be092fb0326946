"""`ccos kb show` and `ccos kb categories` as a person uses them."""

from __future__ import annotations

import json

import pytest

from support.ccos_command import Command

TENANT = "itemshop"
ARTICLE = {
    "id": "umbrella",
    "title": "우산 수선",
    "body": "14일 걸립니다.\u001b[2J",
    "category": ["수선", "우산"],
    "use": "hint",
    "locale": "ko",
}


@pytest.fixture
def stocked(ccos: Command) -> Command:
    """A shop with one article in its second version."""
    ccos("tenants", "create", TENANT, "Item shop")
    for body in (ARTICLE["body"], "30일 걸립니다."):
        (ccos.folder / "kb.jsonl").write_text(json.dumps(ARTICLE | {"body": body}))
        assert ccos("kb", "import", "kb.jsonl", "--tenant", TENANT).code == 0
    return ccos


def test_items_are_shown_in_their_versions_and_categories_switched(stocked: Command) -> None:
    now = stocked("kb", "show", "umbrella", "--tenant", TENANT)
    assert now.code == 0 and "30일" in now.out and "2 of 2; kept: 2, 1" in now.out and "hint" in now.out
    then = stocked("kb", "show", "umbrella", "--tenant", TENANT, "--version", "1")
    assert "14일 걸립니다." in then.out and "\u001b" not in then.out
    told = stocked("kb", "show", "umbrella", "--tenant", TENANT, "--version", "1", "--json").json
    assert (told["version"], told["newest"], told["versions"], told["use"]) == (1, 2, [2, 1], "hint")
    assert told["category"] == "수선 > 우산" and told["body"] == ARTICLE["body"]
    missing = stocked("kb", "show", "umbrella", "--tenant", TENANT, "--version", "7")
    assert missing.code == 2 and "is not kept" in missing.sentence
    assert stocked("kb", "show", "nothing", "--tenant", TENANT).code == 2

    listed = stocked("kb", "categories", "--tenant", TENANT)
    assert listed.out.split("\n")[:2] == ["      1  수선", "      1  수선 > 우산"]
    off = stocked("kb", "categories", "off", "수선", "--tenant", TENANT)
    assert off.code == 0 and off.out == "수선 is off: 1 item.\n"
    assert stocked("kb", "search", "우산 수선", "--tenant", TENANT, "--json").json["results"] == []
    found = stocked("kb", "categories", "--tenant", TENANT, "--json").json["categories"]
    assert [(each["active"], each["switched_off"]) for each in found] == [(False, True), (False, False)]
    assert "off with the one above it" in stocked("kb", "categories", "--tenant", TENANT).out
    assert "(switched off)" in stocked("kb", "show", "umbrella", "--tenant", TENANT).out
    assert stocked("kb", "categories", "on", "수선", "--tenant", TENANT).out == "수선 is on: 1 item.\n"
    (hit,) = stocked("kb", "search", "우산 수선", "--tenant", TENANT, "--json").json["results"]
    assert (hit["version"], hit["use"], hit["link"]) == (2, "hint", "/api/kb/umbrella?kind=kb&version=2")
    wanted = ("--visibility", "public", "--category", "수선", "--tenant", TENANT, "--json")
    assert len(stocked("kb", "search", "우산 수선", *wanted).json["results"]) == 1
    other = ("--category", "배송", "--tenant", TENANT, "--json")
    assert stocked("kb", "search", "우산 수선", *other).json["results"] == []
    unread = stocked("kb", "search", "우산 수선", "--updated-after", "soon", "--tenant", TENANT)
    assert unread.code == 2 and unread.sentence.startswith("The time must be a day")
    refused = stocked("kb", "categories", "off", "없음", "--tenant", TENANT)
    assert refused.code == 2 and "`ccos kb categories`" in refused.sentence


def test_a_tenant_without_categories_is_told_so(ccos: Command) -> None:
    ccos("tenants", "create", "nocategories", "None")
    ran = ccos("kb", "categories", "--tenant", "nocategories")
    assert ran.code == 0 and ran.out == "" and ran.sentence == "No item has a category."
