"""Items of the knowledge base over HTTP: put, read in any version, listed, archived, by category."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from ccos.domain.tenant import Role
from support.live import Company, Live

FULL = {
    "title": "우산 수선",
    "body": "부러진 우산살은 14일 안에 고쳐 드립니다.",
    "kind": "kb",
    "url": "https://help.example.com/umbrella",
    "visibility": "internal",
    "use": "hint",
    "locale": "ko",
    "updated_at": "2026-11-01T00:00:00Z",
    "valid_until": "2036-01-01T00:00:00Z",
    "category": "수선 > 우산",
    "tags": ["우산", "수선"],
}


def test_every_field_comes_back_as_it_was_put_and_again_changes_nothing(company: Company):
    with company.client(Role.SUPERVISOR) as http:
        first = http.put("/api/kb/guides/umbrella", json=FULL).json()
        assert (first["outcome"], first["version"]) == ("created", 1)
        again = http.put("/api/kb/guides/umbrella", json=FULL).json()
        assert (again["outcome"], again["version"]) == ("unchanged", 1)
        read = http.get("/api/kb/guides/umbrella").json()
    assert {name: read[name] for name in FULL} == FULL
    assert read["external_id"] == "guides/umbrella" and read["passages"][0]["body"] == FULL["body"]
    assert (read["version"], read["newest"], read["versions"]) == (1, 1, [1])
    assert (read["since"], read["note"], read["archived_at"], read["hidden"]) == (
        "current",
        None,
        None,
        False,
    )


def test_spellings_of_the_same_article_are_the_same_article(company: Company):
    spelt = FULL | {"category": ["수선", " 우산 "], "source_url": FULL["url"]}
    del spelt["url"]
    with company.client() as http:
        http.put("/api/kb/a", json=FULL)
        assert http.put("/api/kb/a", json=spelt).json()["outcome"] == "unchanged"


def test_a_former_version_is_read_word_for_word_with_a_note(company: Company):
    with company.client() as http:
        http.put("/api/kb/a", json=FULL)
        newer = FULL | {"body": "30일 안에 고쳐 드립니다.", "visibility": "public"}
        assert http.put("/api/kb/a", json=newer).json()["version"] == 2
        then = http.get("/api/kb/a", params={"version": 1}).json()
        assert {name: then[name] for name in FULL} == FULL
        assert (then["version"], then["newest"], then["versions"]) == (1, 2, [2, 1])
        assert then["since"] == "changed" and "changed" in then["note"]
        assert http.get("/api/kb/a").json()["body"] == newer["body"]
        missing = http.get("/api/kb/a", params={"version": 9})
        assert missing.status_code == 404 and missing.json()["code"] == "not_found"


def test_an_archived_article_is_found_no_more_and_still_read(company: Company):
    public = FULL | {"use": "draft", "visibility": "public"}
    with company.client() as http:
        http.put("/api/kb/a", json=public)
        assert len(http.get("/api/kb/search", params={"q": "우산살"}).json()) == 1
        for _ in range(2):
            assert http.delete("/api/kb/a").status_code == 204
        assert http.get("/api/kb/search", params={"q": "우산살"}).json() == []
        read = http.get("/api/kb/a").json()
        assert read["archived_at"] and read["since"] == "archived" and read["body"] == public["body"]
        assert http.get("/api/kb").json()["items"] == []
        (line,) = http.get("/api/kb", params={"archived": "only"}).json()["items"]
        assert line["external_id"] == "a"
        assert http.put("/api/kb/a", json=public).json()["outcome"] == "changed"
        assert len(http.get("/api/kb/search", params={"q": "우산살"}).json()) == 1
        missing = http.delete("/api/kb/never")
        assert missing.status_code == 404 and missing.json()["code"] == "not_found"


def test_a_procedure_and_a_case_of_one_id_are_two(company: Company):
    with company.client() as http:
        http.put("/api/kb/a", json=FULL)
        http.put(
            "/api/kb/a", json=FULL | {"kind": "case", "title": "김보라 고객님 우산", "body": "010-2345-6789"}
        )
        case = http.get("/api/kb/a", params={"kind": "case"}).json()
        assert case["title"] == "[이름] 고객님 우산" and case["body"] == "[전화번호]"
        assert http.delete("/api/kb/a", params={"kind": "case"}).status_code == 204
        assert http.get("/api/kb/a").json()["archived_at"] is None
        refused = http.put("/api/kb/kim@example.com", json=FULL | {"kind": "case"})
        assert refused.status_code == 422 and refused.json()["code"] == "kb.invalid"


def test_the_list_is_read_page_by_page_while_items_change(company: Company):
    with company.client() as http:
        for n in range(5):
            http.put(f"/api/kb/n{n}", json=FULL | {"title": f"{n}"})
        first = http.get("/api/kb", params={"limit": 2}).json()
        http.put("/api/kb/n0", json=FULL | {"title": "new"})
        http.put("/api/kb/late", json=FULL)
        second = http.get("/api/kb", params={"limit": 2, "after": first["next"]}).json()
        third = http.get("/api/kb", params={"limit": 2, "after": second["next"]}).json()
    listed = [item["external_id"] for page in (first, second, third) for item in page["items"]]
    assert listed == ["n4", "n3", "n2", "n1", "n0"] and third["next"] is None
    assert "body" not in first["items"][0]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"kind": "case"}, {"c"}),
        ({"visibility": "public"}, {"b", "c"}),
        ({"use": "hint"}, {"a"}),
        ({"locale": "en"}, {"b"}),
        ({"category": "수선"}, {"a", "b"}),
        ({"category": "수선>우산"}, {"a"}),
        ({"category": "수"}, set()),
        ({"tag": "수선"}, {"a"}),
        ({"external_id": "b"}, {"b"}),
        ({"stored_since": "2001-01-01T00:00:00Z"}, {"a", "b", "c"}),
        ({"stored_since": "2099-01-01T00:00:00"}, set()),
        ({"locale": "en", "tag": "수선"}, set()),
    ],
)
def test_the_list_is_filtered(company: Company, wanted, found):
    plain = {"title": "t", "body": "b"}
    with company.client() as http:
        http.put("/api/kb/a", json=FULL)
        http.put("/api/kb/b", json=plain | {"locale": "en", "category": "수선 > 양산"})
        http.put("/api/kb/c", json=plain | {"kind": "case", "category": "수선비"})
        listed = http.get("/api/kb", params=wanted)
    assert {item["external_id"] for item in listed.json()["items"]} == found


def test_a_category_is_listed_with_counts_and_switched_off_and_on(company: Company):
    public = FULL | {"use": "draft", "visibility": "public"}
    with company.client() as http:
        http.put("/api/kb/a", json=public)
        listed = http.get("/api/kb/categories").json()["categories"]
        assert [(each["path"], each["items"], each["active"]) for each in listed] == [
            ("수선", 1, True),
            ("수선 > 우산", 1, True),
        ]
        off = http.put("/api/kb/categories", json={"path": "수선", "active": False}).json()
        assert off == {"path": "수선", "items": 1, "active": False, "switched_off": True}
        assert http.get("/api/kb/search", params={"q": "우산살"}).json() == []
        read = http.get("/api/kb/a").json()
        assert read["hidden"] and read["since"] == "switched_off"
        http.put("/api/kb/categories", json={"path": ["수선"], "active": True})
        assert len(http.get("/api/kb/search", params={"q": "우산살"}).json()) == 1
        for body, status, code in (
            ({"path": "없음", "active": False}, 404, "not_found"),
            ({"path": "", "active": False}, 422, "input.invalid"),
            ({"path": "a > b > c > d", "active": False}, 422, "input.invalid"),
            ({"path": "수선"}, 422, "input.invalid"),
        ):
            answer = http.put("/api/kb/categories", json=body)
            assert (answer.status_code, answer.json()["code"]) == (status, code), body


@pytest.mark.parametrize(
    "change",
    [
        {"visibilty": "internal"},
        {"use": "secret"},
        {"category": "a > b > c > d"},
        {"category": ["a", 3]},
        {"url": "javascript:alert(1)"},
        {"url": "https://a b"},
        {"valid_until": "someday"},
        {"tags": ["x"] * 51},
    ],
    ids=["a misspelt field", "use", "deep", "level", "script", "blank", "time", "tags"],
)
def test_what_cannot_be_kept_is_refused_whole(company: Company, change):
    with company.client() as http:
        answer = http.put("/api/kb/a", json=FULL | change)
        assert answer.status_code == 422 and answer.json()["code"] == "input.invalid"
        assert answer.headers["content-type"] == "application/problem+json"
        assert http.get("/api/kb/a").status_code == 404


@pytest.mark.parametrize(
    "params", [{"after": "x"}, {"limit": 0}, {"limit": 201}, {"kind": "x"}, {"archived": "x"}]
)
def test_a_list_that_cannot_be_made_is_refused(company: Company, params):
    with company.client() as http:
        answer = http.get("/api/kb", params=params)
        assert answer.status_code == 422 and answer.json()["code"] == "input.invalid"


def test_another_tenant_reads_lists_and_archives_nothing(live: Live, company: Company):
    with company.client() as http:
        http.put("/api/kb/a", json=FULL)
        http.put("/api/kb/a", json=FULL | {"body": "b"})
    with live.company().client() as stranger:
        for version in ({}, {"version": 1}, {"version": 2}):
            assert stranger.get("/api/kb/a", params=version).status_code == 404
        assert stranger.delete("/api/kb/a").status_code == 404
        assert stranger.get("/api/kb", params={"archived": "also"}).json() == {"items": [], "next": None}
        assert stranger.get("/api/kb/categories").json() == {"categories": []}
        assert stranger.put("/api/kb/categories", json={"path": "수선", "active": False}).status_code == 404
        assert stranger.put("/api/kb/a", json=FULL).json()["version"] == 1
    with company.client() as http:
        assert http.get("/api/kb/a").json()["version"] == 2


def test_an_agent_reads_and_changes_nothing(company: Company):
    with company.client() as http:
        http.put("/api/kb/a", json=FULL)
    with company.client(Role.AGENT) as agent:
        assert agent.get("/api/kb/a").status_code == 200 and agent.get("/api/kb").status_code == 200
        assert agent.put("/api/kb/a", json=FULL).status_code == 403
        assert agent.delete("/api/kb/a").status_code == 403
        assert agent.put("/api/kb/categories", json={"path": "수선", "active": False}).status_code == 403


@pytest.mark.parametrize("odd", ["x" * 300, "%00", "..%2F..%2Fetc", "' OR 1=1 --", "한글/아이디"])
def test_odd_ids_are_only_not_there(company: Company, odd):
    with company.client() as http:
        assert http.get(f"/api/kb/{odd if '%' in odd else quote(odd)}").status_code in (404, 422)


def test_a_draft_links_to_what_it_stood_on_and_says_what_became_of_it(company: Company):
    article = {
        "title": "우산 수선 기간",
        "body": "# 기간\n\n부러진 우산살은 접수한 날부터 14일 안에 고쳐 드립니다. 수선비는 3,000원입니다.",
    }
    secret = {
        "title": "우산 수선 내부 기준",
        "body": "우산살 수선 책임자는 2층에 있습니다.",
        "visibility": "internal",
    }
    with company.client() as http:
        http.put("/api/kb/umbrella", json=article)
        http.put("/api/kb/inside", json=secret)
        ticket = {"subject": "우산 수선", "description": "우산살이 부러졌는데 수선 기간이 며칠이나 걸리나요?"}
        made = http.post("/api/tickets", json=ticket).json()
        draft = http.post(f"/api/tickets/{made['ticket_id']}/drafts").json()
        (stood,) = [each for each in draft["evidence"] if each["id"] == "umbrella"]
        assert stood["version"] == 1 and stood["link"] == "/api/kb/umbrella?kind=kb&version=1"
        assert "2층" not in draft["reply"]

        def told(name: str) -> dict:
            read = http.get(f"/api/drafts/{draft['id']}/evidence").json()["evidence"]
            return next(each for each in read if each["id"] == name)

        assert told("umbrella")["since"] == "current" and told("umbrella")["note"] is None
        assert told("inside")["visibility"] == "internal" and not told("inside")["cited"]
        assert told("umbrella")["cited"] is (f"[{stood['n']}]" in draft["reply"])
        http.put("/api/kb/umbrella", json=article | {"body": "수선은 30일 걸립니다."})
        later = told("umbrella")
        assert later["since"] == "changed" and "14일" in later["passages"][0]["body"]
        assert "14일" in http.get(stood["link"]).json()["body"]
        http.delete("/api/kb/umbrella")
        assert told("umbrella")["since"] == "archived" and "14일" in told("umbrella")["passages"][0]["body"]
        assert http.get("/api/drafts/nothing/evidence").status_code == 404


def test_a_strangers_draft_shows_no_evidence(live: Live, company: Company):
    with company.client() as http:
        made = http.post("/api/tickets", json={"subject": "우산", "description": "우산 수선이요"}).json()
        draft = http.post(f"/api/tickets/{made['ticket_id']}/drafts").json()
    with live.company().client() as stranger:
        assert stranger.get(f"/api/drafts/{draft['id']}/evidence").status_code == 404
