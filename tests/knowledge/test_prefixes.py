"""What an embedding model wants before texts: by its name, unless the settings say otherwise."""

from __future__ import annotations

import pytest

from ccos.knowledge.prefixes import Prefixes, prefixes_of

E5 = Prefixes("query: ", "passage: ")


@pytest.mark.parametrize(
    ("model", "wanted"),
    [
        ("multilingual-e5-small-q8_0", E5),
        ("intfloat/e5-base-v2", E5),
        ("e5", E5),
        ("KoE5", E5),
        ("nomic-embed-text-v1.5", Prefixes("search_query: ", "search_document: ")),
        ("snowflake-arctic-embed-l-v2.0-ko", Prefixes("query: ")),
        ("bge-m3", Prefixes()),
        ("text-embedding-3-small", Prefixes()),
        ("gte5-large", Prefixes()),
        ("m", Prefixes()),
    ],
)
def test_well_known_models_get_the_words_they_were_trained_with(model, wanted):
    assert prefixes_of(model) == wanted


def test_models_that_take_instructions_read_passages_bare():
    for model in ("multilingual-e5-large-instruct", "Qwen3-Embedding-0.6B"):
        words = prefixes_of(model)
        assert words.query.startswith("Instruct: ") and "\nQuery:" in words.query and not words.passage


def test_settings_win_each_for_itself():
    assert prefixes_of("e5", query="none") == Prefixes("", "passage: ")
    assert prefixes_of("m", passage="Dokument:") == Prefixes("", "Dokument: ")
    assert prefixes_of("m", query=r"Task: find\nQ:") == Prefixes("Task: find\nQ: ")
    assert prefixes_of("e5", query="  ") == E5  # as an empty line of a settings file


def test_other_words_before_passages_are_other_vectors_and_before_questions_are_not():
    assert Prefixes("query: ").identity("m") == "m"
    assert E5.identity("e5") != Prefixes("query: ", "doc: ").identity("e5") != "e5"
