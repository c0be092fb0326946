"""`ccos eval retrieval` on the real database: figures, what each part adds, and nothing left behind."""

import json

import pytest

from support.fake_embeddings import fake_embeddings

ARTICLES = [
    {
        "id": "refund",
        "title": "환불 기간 안내",
        "body": "환불을 요청하시면 카드사 승인 취소까지 영업일 3~5일이 걸립니다.",
    },
    {"id": "track", "title": "배송 조회", "body": "송장이 등록되면 마이페이지에서 보실 수 있습니다."},
    {
        "id": "points",
        "title": "포인트",
        "body": "구매 확정 다음 날 쌓입니다. 코드 PT-1042가 보이면 알려 주세요.",
    },
]
QUESTIONS = [
    {"query": "환뷸 언제 되나요", "gold": ["refund"]},
    {"query": "배송조회가안돼요", "gold": ["track"]},
    {"query": "pt-1042", "gold": ["points", "refund"]},
    {"qid": "wrong", "query": "포인트 코드", "gold": ["track"]},
]  # fmt: skip


@pytest.fixture
def sets(ccos):
    for name, rows in (("kb.jsonl", ARTICLES), ("q.jsonl", QUESTIONS)):
        (ccos.folder / name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return ("eval", "retrieval", "--kb", "kb.jsonl", "--queries", "q.jsonl")


def test_the_figures_and_the_misses(ccos, sets):
    ran = ccos(*sets, "--json", "--misses", "misses.jsonl")
    assert ran.code == 0
    told = ran.json
    assert (told["n"], told["articles"], told["hit@1"], told["recall@10"]) == (4, 3, 0.75, 0.625)
    assert told["hit@5"] == 0.75 and told["mrr@10"] == 0.75 and told["without"] == []
    assert 0 < told["p50_ms"] <= told["p99_ms"] and told["import_seconds"] > 0
    [miss] = [json.loads(line) for line in (ccos.folder / "misses.jsonl").read_text().splitlines()]
    assert (miss["id"], miss["gold"], miss["rank"], miss["found"][0]) == ("wrong", ["track"], None, "points")


def test_parts_can_be_left_out_one_by_one(ccos, sets):
    told = ccos(*sets, "--ablation", "--without", "reranking", "--json").json
    assert told["without"] == ["reranking"]
    assert set(told["ablation"]) == {
        f"without {part}" for part in ("words", "jamo", "titles", "sentences", "synonyms")
    }
    assert told["ablation"]["without jamo"]["hit@1"] < told["hit@1"]
    shown = ccos(*sets, "--ablation")
    assert "4 questions over 3 articles" in shown.out and "without jamo" in shown.out


def test_nothing_is_left_behind(ccos, sets):
    before = sorted(path.name for path in (ccos.home / "index").glob("*-*-*")) if ccos.home.exists() else []
    assert ccos(*sets, "--json").code == 0
    assert "scratch" not in ccos("tenants", "list", "--json").out
    assert sorted(path.name for path in (ccos.home / "index").glob("*-*-*")) == before


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"q.jsonl": '{"query": "환불"}\n'}, "Line 1 of q.jsonl needs 'query' and 'gold'"),
        (
            {"q.jsonl": '{"query": "환불", "gold": ["no-such"]}\n'},
            "the questions name 'no-such', the articles 'points'",
        ),
        ({"kb.jsonl": "\n"}, "None of the questions' gold ids is an article"),
    ],
)
def test_bad_files_are_one_sentence(ccos, sets, files, sentence):
    for name, text in files.items():
        (ccos.folder / name).write_text(text)
    ran = ccos(*sets)
    assert ran.code == 2 and sentence in ran.err.splitlines()[-1]


def test_a_search_of_nothing_is_refused(ccos, sets):
    ran = ccos(*sets, "--without", "words", "--without", "jamo")
    assert ran.code == 2 and ran.sentence.startswith("Without words and without jamo nothing can be found")


def test_vectors_are_measured_where_they_are_on(ccos, sets):
    refused = ccos(*sets, "--without", "dense")
    assert refused.code == 2 and "CCOS_SEARCH_VECTORS=on" in refused.err
    with fake_embeddings(same=[("환불", "돈돌려받기")]) as fake:
        (ccos.folder / "q.jsonl").write_text(json.dumps({"query": "돈돌려받기", "gold": ["refund"]}) + "\n")
        on = {
            "CCOS_SEARCH_VECTORS": "on",
            "CCOS_EMBEDDING_BASE_URL": fake.url,
            "CCOS_EMBEDDING_MODEL": "m",
        }
        told = ccos(*sets, "--ablation", "--json", **on).json
        assert told["hit@1"] == 1 and told["ablation"]["without dense"]["hit@1"] == 0
        assert len(set(fake.heard)) == 4  # each article once, and the question
        stats = ccos("kb", "stats", "--json", **on).json["vectors"]
        assert stats["model"] == "m" and 0 == stats["vectors"] <= stats["passages"]
    assert ccos("kb", "stats", "--json").json["vectors"] is None
