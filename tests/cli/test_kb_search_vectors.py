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
        assert fake.heard == ["passage: 환불 안내\n환불은 사흘 안에 됩니다.", f"query: {ASKED}"]
        fake.fault = 500
        down = ccos(*search, "--vectors", **model)
        assert down.code == 0 and down.json["results"] == []
        assert "these were found by words alone" in down.err


def test_vectors_without_a_model_are_refused_with_what_to_do(ccos: Command) -> None:
    assert ccos("tenants", "create", "wordshop", "w").code == 0
    ran = ccos("kb", "search", "환불", "--tenant", "wordshop", "--vectors")
    assert ran.code == 2 and "CCOS_EMBEDDING_MODEL_PATH" in ran.err
