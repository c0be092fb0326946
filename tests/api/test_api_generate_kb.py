"""The multi-tier call itself, and the knowledge base, over HTTP."""

from __future__ import annotations

import json
import threading

import pytest

from ccos.api import generate
from ccos.domain.tenant import Role
from ccos.quality import pii
from support.live import Company, Live

EVIDENCE = {
    "n": 1,
    "kind": "kb",
    "id": "exchange",
    "title": "교환 안내",
    "snippet": "교환은 상품을 받으신 날의 다음 날부터 7일 이내에 신청하실 수 있습니다.",
    "score": 1.0,
}


def test_an_answer_comes_with_its_tier_quality_cost_and_every_attempt(company: Company):
    with company.client(Role.INTEGRATION) as http:
        answer = http.post(
            "/api/generate",
            json={"prompt": "교환은 며칠 안에 되나요?", "evidence": [EVIDENCE], "required_quality": 0.6},
        )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["tier"] == "tier_3" and told["cost"] == 0 and told["response"]
    assert 0 <= told["quality_score"] <= 1 and told["scorer"]
    assert {"latency", "fallback_used", "degraded", "accepted", "reason", "model", "checks"} <= set(told)
    assert [a["tier"] for a in told["attempts"]] == ["tier_3"]
    assert answer.headers["x-ccos-tier"] == "tier_3"
    assert answer.headers["x-ccos-attempts"] == "1"
    assert answer.headers["x-ccos-reason"] == told["reason"]
    assert answer.headers["x-ccos-degraded"] == str(told["degraded"]).lower()
    assert len(answer.headers["x-ccos-request-id"]) == 32


def test_with_a_schema_the_answer_is_one_object_of_that_shape(company: Company):
    schema = {
        "type": "object",
        "properties": {
            "queries": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3}
        },
        "required": ["queries"],
        "additionalProperties": False,
    }
    with company.client() as http:
        answer = http.post(
            "/api/generate",
            json={
                "prompt": "구두 교환되나요?",
                "task": "query_builder",
                "json_schema": schema,
                "language": "ko",
            },
        )
    made = json.loads(answer.json()["response"])
    assert list(made) == ["queries"] and made["queries"] and all(isinstance(q, str) for q in made["queries"])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"prompt": ""},
        {"prompt": "x", "mode": "cheapest"},
        {"prompt": "x", "task": "poetry"},
        {"prompt": "x", "language": "fr"},
        {"prompt": "x", "required_quality": 2},
        {"prompt": "x", "max_retries": -1},
        {"prompt": "x", "seconds": 0},
        {"prompt": "x", "evidence": [EVIDENCE] * 21},
        {"prompt": "x", "evidence": [{"n": 1}]},
        {"prompt": "x", "ticket": {"subject": 3}},
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(company: Company, body):
    with company.client() as http:
        answer = http.post("/api/generate", json=body)
    assert answer.status_code == 422 and answer.json()["code"] == "input.invalid"


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": 5}, "In the schema, 'type' must be one of object, array"),
        ({"properties": 5}, "In the schema, 'properties' must be an object"),
        ({"enum": 5}, "In the schema, 'enum' must be a list"),
        ({"properties": {"queries": 5}}, "In the schema.properties.queries there must be an object"),
        ({"properties": {"{a} 4711": {"type": 5}}}, "In the schema.properties.(an odd name), 'type'"),
    ],
)
def test_a_schema_that_is_none_is_refused_with_its_flaw(company: Company, schema, says):
    with company.client() as http:
        answer = http.post(
            "/api/generate", json={"prompt": "x", "task": "query_builder", "json_schema": schema}
        )
    told = answer.json()
    assert answer.status_code == 422 and told["code"] == "input.invalid"
    assert told["title"].startswith(f"json_schema: {says}") and not told["title"].endswith("..")
    assert told["errors"][0]["field"] == "json_schema" and "4711" not in answer.text


@pytest.mark.parametrize(("length", "on_the_loop"), [(100, True), (60_000, False)])
def test_long_texts_are_searched_beside_the_loop(company: Company, monkeypatch, length, on_the_loop):
    async def thread() -> int:
        return threading.get_ident()

    seen = []

    def classify(text: str):
        seen.append(threading.get_ident())
        return pii.classify(text)

    monkeypatch.setattr(generate, "classify", classify)
    with company.client() as http:
        assert http.post("/api/generate", json={"prompt": "가" * length}).status_code == 200
    assert [ident == company.live.run(thread()) for ident in seen] == [on_the_loop]


def test_a_resident_number_keeps_the_answer_on_this_machine_and_hostile_words_do_no_harm(company: Company):
    with company.client() as http:
        for prompt in (
            "제 주민번호는 900101-1234568 입니다",
            "\0\ud800<script>alert(1)</script>",
            "ㅋ" * 50_000,
        ):
            answer = http.post("/api/generate", content=json.dumps({"prompt": prompt}))
            assert answer.status_code == 422  # no content type, no JSON
            answer = http.post(
                "/api/generate",
                content=json.dumps({"prompt": prompt}),
                headers={"content-type": "application/json"},
            )
            assert answer.status_code == 200 and answer.json()["tier"] == "tier_3"


def test_an_article_is_found_at_once_and_changed_and_seen_by_its_company_alone(live: Live, company: Company):
    article = {
        "title": "우산 수리 안내",
        "body": "# 우산 수리\n\n부러진 우산살은 **14일** 안에 무료로 고쳐 드립니다.",
        "url": "https://help.example.com/umbrella",
    }
    with company.client(Role.SUPERVISOR) as http:
        put = http.put("/api/kb/guides/umbrella.md", json=article)
        assert put.json() == {
            "external_id": "guides/umbrella.md",
            "kind": "kb",
            "outcome": "created",
            "version": 1,
        }
        found = http.get("/api/kb/search", params={"q": "우산살이 부러졌어요"}).json()
        assert [e["id"] for e in found] == ["guides/umbrella.md"]
        assert "14일" in found[0]["snippet"] and found[0]["n"] == 1
        assert http.put("/api/kb/guides/umbrella.md", json=article).json()["outcome"] == "unchanged"
        newer = article | {"body": "부러진 우산살은 30일 안에 고쳐 드립니다."}
        assert http.put("/api/kb/guides/umbrella.md", json=newer).json()["outcome"] == "changed"
        found = http.get("/api/kb/search", params={"q": "우산살"}).json()
        assert "30일" in found[0]["snippet"] and len(found) == 1
        assert http.get("/api/kb/search", params={"q": "우산살", "pool": "case"}).json() == []
    with live.company().client() as stranger:
        assert stranger.get("/api/kb/search", params={"q": "우산살"}).json() == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/kb/a", {"title": "", "body": "b"}),
        ("/api/kb/a", {"title": "t"}),
        ("/api/kb/a", {"title": "t", "body": "b", "kind": "rumour"}),
        ("/api/kb/a", {"title": "t", "body": "b", "visibility": "secret"}),
        ("/api/kb/a", {"title": "t", "body": "x" * 100_001}),
        ("/api/kb/" + "x" * 201, {"title": "t", "body": "b"}),
    ],
)
def test_an_article_that_cannot_be_kept_is_refused(company: Company, path, body):
    with company.client() as http:
        answer = http.put(path, json=body)
        assert answer.status_code == 422 and answer.json()["code"] == "input.invalid"


def test_an_article_of_hostile_text_is_kept_clean(company: Company):
    body = r'{"title": "제목\u0000", "body": "본문 \ud800 <script>alert(1)</script> | 표 |"}'
    with company.client() as http:
        put = http.put("/api/kb/%00odd", content=body, headers={"content-type": "application/json"})
        assert put.json() == {"external_id": "odd", "kind": "kb", "outcome": "created", "version": 1}
        (found,) = http.get("/api/kb/search", params={"q": "본문"}).json()
        assert found["title"] == "제목" and "<script>" in found["snippet"]


@pytest.mark.parametrize(
    "params", [{}, {"q": ""}, {"q": "x", "limit": 0}, {"q": "x", "limit": 51}, {"q": "x", "pool": "y"}]
)
def test_a_search_that_cannot_be_made_is_refused(company: Company, params):
    with company.client() as http:
        assert http.get("/api/kb/search", params=params).status_code == 422


def test_a_search_finds_only_what_was_asked_for(company: Company):
    shown = {
        "title": "우산 수선",
        "body": "우산살은 매장에서 고칩니다.",
        "locale": "ko",
        "category": "수선 > 우산",
    }
    inner = shown | {
        "body": "우산살은 2층에서 고칩니다.",
        "visibility": "internal",
        "locale": "en",
        "updated_at": "2026-03-01T00:00:00+09:00",
    }
    with company.client(Role.SUPERVISOR) as http:
        assert http.put("/api/kb/shown", json=shown).status_code == 200
        assert http.put("/api/kb/inner", json=inner).status_code == 200

        def found(**only: str) -> set[str]:
            return {e["id"] for e in http.get("/api/kb/search", params={"q": "우산살", **only}).json()}

        assert found() == {"shown", "inner"}
        assert found(visibility="public") == {"shown"} == found(locale="ko")
        assert found(category="수선") == {"shown", "inner"} and found(category="우산") == set()
        assert found(updated_after="2026-02-28") == {"inner"}
        assert found(updated_after="2026-03-01") == set()  # the moment itself, in the company's zone


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("visibility", "secret", "The visibility must be public or internal."),
        ("updated_after", "soon", "The time must be a day"),
        ("locale", "한국어", "The locale must be a language"),
        ("category", ">", "The category must be a path"),
    ],
)
def test_a_filter_that_cannot_be_read_is_told_in_one_sentence(company: Company, name, value, sentence):
    with company.client() as http:
        answer = http.get("/api/kb/search", params={"q": "우산", name: value})
    assert answer.status_code == 422 and answer.json()["code"] == "input.invalid"
    assert answer.json()["title"].startswith(sentence)


@pytest.mark.parametrize(
    "q", ['"', "AND OR NOT", "a:b^2~", "(((", "\0", "*", "ㅋㅋㅋ", "\\", "우산 " * 2_000]
)
def test_no_question_breaks_the_search(company: Company, q):
    with company.client() as http:
        assert http.get("/api/kb/search", params={"q": q}).status_code == 200
