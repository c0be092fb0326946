"""`ccos kb search --vectors`: what the worker has read is found by what it means."""

from __future__ import annotations

import json

from support.ccos_command import Command
from support.fake_embeddings import fake_embeddings

ASKED = "돈돌려받기"
"""None of its letters stand in an article; the model knows that it means a refund."""


def test_a_question_in_other_words_is_found_by_vectors_alone_and_only_when_wanted(ccos: Command) -> None:
    assert ccos("tenants", "create", "vectorshop", "v").code == 0
    articles = [{"id": "refund", "title": "환불 안내", "body": "환불은 사흘 안에 됩니다."}]
    (ccos.folder / "vectors.jsonl").write_text("\n".join(json.dumps(each) for each in articles))
    assert ccos("kb", "import", "vectors.jsonl", "--tenant", "vectorshop").code == 0
    search = ("kb", "search", ASKED, "--tenant", "vectorshop", "--json")
    with fake_embeddings(same=(("환불", ASKED),)) as fake:
        model = {
            "CCOS_SEARCH_VECTORS": "on",
            "CCOS_EMBEDDING_BASE_URL": fake.url,
            "CCOS_EMBEDDING_MODEL": "multilingual-e5-small",
        }

        def covered() -> bool:
            told = ccos("kb", "stats", "--tenant", "vectorshop", "--json", **model).json["vectors"]
            assert told["model"] == "multilingual-e5-small after 'passage:'"
            return bool(told["vectors"] == told["passages"] == 1)

        with ccos.running("worker", **model) as worker:
            worker.wait_until(covered)
        assert ccos(*search, **model).json["results"] == []
        found = ccos(*search, "--vectors", **model)
        assert [each["id"] for each in found.json["results"]] == ["refund"]
        mine = [text for text in fake.heard if "환불" in text or ASKED in text]  # others have articles too
        assert "passage: 환불 안내\n환불은 사흘 안에 됩니다." in mine and mine[-1] == f"query: {ASKED}"
        fake.fault = 500
        down = ccos(*search, "--vectors", **model)
        assert down.code == 0 and down.json["results"] == []
        assert "these were found by words alone" in down.err


def test_vectors_without_a_model_are_refused_with_what_to_do(ccos: Command) -> None:
    assert ccos("tenants", "create", "wordshop", "w").code == 0
    ran = ccos("kb", "search", "환불", "--tenant", "wordshop", "--vectors")
    assert ran.code == 2 and "CCOS_EMBEDDING_MODEL_PATH" in ran.err


def test_a_tenant_too_large_for_memory_is_searched_by_an_index_that_follows(ccos: Command) -> None:
    """Beyond CCOS_SEARCH_VECTORS_MOST words alone are searched, until somebody makes the index."""
    assert ccos("tenants", "create", "largeshop", "v").code == 0
    articles = [{"id": f"n{n}", "title": f"품목 {n}", "body": f"{n}번 품목의 설명서"} for n in range(1_001)]
    refund = {"id": "refund", "title": "환불 안내", "body": "환불은 사흘 안에 됩니다."}
    lines = "\n".join(json.dumps(each) for each in [*articles, refund])
    (ccos.folder / "large.jsonl").write_text(lines)
    assert ccos("kb", "import", "large.jsonl", "--tenant", "largeshop").code == 0
    search = ("kb", "search", ASKED, "--tenant", "largeshop", "--vectors", "--json", "--limit", "1")
    with fake_embeddings(same=(("환불", ASKED),)) as fake:
        model = {
            "CCOS_SEARCH_VECTORS": "on",
            "CCOS_SEARCH_VECTORS_MOST": "1000",
            "CCOS_EMBEDDING_BASE_URL": fake.url,
            "CCOS_EMBEDDING_MODEL": "m",
        }
        early = ccos("kb", "vectors", "--tenant", "largeshop", **model)
        assert early.code == 2 and "run `ccos worker`" in early.err

        def covered(passages: int = 1_002) -> bool:
            told = ccos("kb", "stats", "--tenant", "largeshop", "--json", **model).json["vectors"]
            return bool(told["vectors"] == told["passages"] == passages)

        with ccos.running("worker", **model) as worker:
            worker.wait_until(covered)
        without = ccos(*search, **model)
        assert without.json["results"] == [] and "too_many" in without.err
        made = ccos("kb", "vectors", "--tenant", "largeshop", "--json", **model)
        assert made.code == 0, made.err
        assert made.json == {"tenant": "largeshop", "model": "m", "passages": 1_002}, made.err
        found = ccos(*search, **model)
        assert found.code == 0, found.err
        assert [each["id"] for each in found.json["results"]] == ["refund"]
        (ccos.folder / "new.jsonl").write_text(
            json.dumps({**refund, "body": "환불은 이제 하루 안에 됩니다."})
        )
        assert ccos("kb", "import", "new.jsonl", "--tenant", "largeshop").code == 0

        def followed() -> bool:
            found = ccos(*search, **model).json["results"]
            return bool(found and "하루" in found[0]["snippet"])

        with ccos.running("worker", **model) as worker:
            worker.wait_until(followed)
    assert ccos("kb", "vectors", "--tenant", "largeshop").code == 2
