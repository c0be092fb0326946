"""`ccos kb sources` and `ccos kb import URL` as a person runs them."""

from __future__ import annotations

import json

import pytest

from support.help_centres import TOKEN, Site, served, zendesk_desk


@pytest.fixture
def own(ccos):
    """A tenant of the test's own."""
    import uuid

    slug = f"s-{uuid.uuid4().hex[:10]}"
    assert ccos("tenants", "create", slug, "Shop").code == 0
    return slug


def test_a_source_is_kept_synced_listed_and_removed(ccos, own):
    with served(zendesk_desk(3)) as desk:
        arguments = ("kb", "sources", "add", "help", "zendesk", desk.url, "--token-env", "HELP_TOKEN")
        added = ccos(*arguments, "--allow-private", "--every", "6h", "--tenant", own, "--json")
        assert added.code == 0 and added.json["token"] == "env:HELP_TOKEN"
        assert added.json["every_seconds"] == 21_600
        again = ccos(*arguments, "--allow-private", "--tenant", own)
        assert again.code == 2 and "a source help already" in again.sentence

        sync = ("kb", "sources", "sync", "help", "--tenant", own, "--json")
        missing = ccos(*sync)
        assert missing.code == 2 and "HELP_TOKEN holds no token" in missing.err
        tried = ccos(*sync, "--dry-run", HELP_TOKEN=TOKEN)
        assert tried.json["added"] == 3 and tried.json["dry_run"]
        done = ccos(*sync, HELP_TOKEN=TOKEN)
        assert done.code == 0 and done.json["added"] == 3 and done.json["full"]
        assert TOKEN not in done.out + done.err + added.out

        listed = ccos("kb", "sources", "list", "--tenant", own, "--json").json["sources"]
        assert [(each["name"], each["items"], each["error"]) for each in listed] == [("help", 3, None)]
        table = ccos("kb", "sources", "list", "--tenant", own).out
        assert "help" in table and desk.url in table and "ok" in table

        desk.faults["articles.json"] = ["refused"]
        failed = ccos(*sync[:-1], HELP_TOKEN="wrong")
        assert failed.code == 1 and "does not let us in" in failed.err
        assert "source.refused" in ccos("kb", "sources", "list", "--tenant", own).out

        found = ccos("kb", "search", "환불 안내", "--tenant", own, "--json").json["results"]
        assert found and found[0]["id"].startswith("help:")
        gone = ccos("kb", "sources", "remove", "help", "--tenant", own, "--json")
        assert gone.json == {"name": "help", "archived": 3}
        assert ccos("kb", "stats", "--tenant", own, "--json").json["kb"] == 0


def test_an_export_on_disk_is_a_source_too(ccos, own, tmp_path):
    export = tmp_path / "articles.json"
    export.write_text(json.dumps({"articles": zendesk_desk(2).articles}))
    assert ccos("kb", "sources", "add", "old", "zendesk", str(export), "--tenant", own).code == 0
    assert ccos("kb", "sources", "sync", "old", "--tenant", own, "--json").json["added"] == 2


def test_a_private_address_needs_to_be_told(ccos, own):
    with served(Site(pages={"/": "<h1>안</h1><p>말</p>"})) as site:
        refused = ccos("kb", "import", site.url, "--tenant", own)
        assert refused.code == 1 and "private network" in refused.err and site.seen == []
        done = ccos("kb", "import", site.url, "--allow-private", "--tenant", own, "--json")
        assert done.json["added"] == 1
        again = ccos("kb", "import", site.url, "--allow-private", "--tenant", own, "--json")
        assert again.json["unchanged"] == 1


def test_a_single_page_is_imported_without_those_it_leads_to_and_a_sitemap_whole(ccos, own):
    with served(Site()) as site:
        site.pages = {
            "/a": '<h1>가</h1><p>말</p><a href="/b">b</a>',
            "/b": "<h1>나</h1><p>말</p>",
            "/s.xml": f"<?xml version='1.0'?><urlset><url><loc>{site.url}/a</loc></url>"
            f"<url><loc>{site.url}/b</loc></url></urlset>",
        }
        more = ("--allow-private", "--tenant", own, "--json")
        assert ccos("kb", "import", f"{site.url}/a", *more).json["added"] == 1
        report = ccos("kb", "import", f"{site.url}/s.xml", *more).json
        assert (report["added"], report["unchanged"]) == (1, 1)
        lost = ccos("kb", "import", f"{site.url}/none", *more[:-1])
        assert lost.code == 1 and "status 404" in lost.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("a", "zendesk", "ftp://x"), "address"),
        (("A b", "zendesk", "https://x.example"), "name"),
        (("a", "zendesk", "no-such-file.json"), "no file or folder"),
        (("a", "chatwoot", "https://x.example"), "--account"),
        (("a", "website", "https://x.example", "--content", "case"), "solved tickets"),
        (("a", "zendesk", "https://x.example", "--token-env", "A", "--token-file", "b"), "not both"),
        (("a", "zendesk", "https://x.example", "--token-env", "my token"), "secret"),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(ccos, arguments, sentence):
    ran = ccos("kb", "sources", "add", *arguments)
    assert ran.code == 2 and sentence in ran.sentence


def test_an_interval_that_is_none_and_a_source_that_is_not_there(ccos, own):
    ran = ccos("kb", "sources", "add", "a", "website", "https://x.example", "--every", "1m", "--tenant", own)
    assert ran.code == 2 and "between 5m" in ran.err
    assert ccos("kb", "sources", "sync", "nobody", "--tenant", own).code == 2
    assert ccos("kb", "sources", "remove", "nobody", "--tenant", own).code == 2
