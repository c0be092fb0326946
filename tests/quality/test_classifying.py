"""Text classifiers as they are served: n-grams, margins, confidence, files."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccos.quality.classifying import (
    Spelling,
    TextModel,
    UnusableModel,
    grams,
    load_model,
    save_model,
    shipped,
    storing,
)
from ccos.quality.classifying.features import normal

SPELLING = Spelling(chars=(1, 2), jamo=(3, 4), words=2)


def model(**changes: object) -> TextModel:
    """Knows the words 환불 and 배송, and nothing else."""
    refund, parcel = (grams(word, Spelling(chars=(0, 0), words=1))[0] for word in ("환불", "배송"))
    order = np.argsort([refund, parcel])
    weights = np.array([[100, -100], [-100, 100]], np.int8)[order]
    made = TextModel(
        what="intent",
        labels=("refund", "parcel"),
        spelling=Spelling(chars=(0, 0), words=1),
        keys=np.array([refund, parcel], np.uint32)[order],
        idf=np.ones(2, np.float32),
        weights=weights,
        scales=np.full(2, 0.02, np.float32),
        bias=np.zeros(2, np.float32),
        certain=0.9,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_spacing_case_width_digits_and_drawn_out_letters_are_one_spelling() -> None:
    assert normal("ＡＢＣ  12\n3") == normal("abc 87 4") == "abc 00 0"
    assert normal("Order 123!!!!") == "order 00!!"
    assert np.array_equal(grams("환불 ㅋㅋㅋㅋ", SPELLING), grams("환불  ㅋㅋㅋ", SPELLING))
    assert not np.array_equal(np.sort(grams("환불", SPELLING)), np.sort(grams("불환", SPELLING)))


def test_jamo_grams_are_shared_by_slips_that_syllables_tell_apart() -> None:
    syllables, jamo = Spelling(chars=(2, 3), words=0), Spelling(chars=(0, 0), jamo=(3, 5), words=0)

    def shared(spelling: Spelling) -> int:
        return len(np.intersect1d(grams("됐어요", spelling), grams("됬어요", spelling)))

    assert shared(jamo) > shared(syllables)


def test_two_words_near_each_other_count_in_either_order_and_far_apart_do_not() -> None:
    near = Spelling(chars=(0, 0), words=0, near=2)

    def read(text: str) -> set[int]:
        return set(grams(text, near).tolist())

    (pair,) = read("환불 카드")
    assert read("카드 환불") == {pair} and pair in read("환불 받을 카드")
    assert pair not in read("환불 받을 새 카드") and not read("환불") and not read("")


def test_hashes_are_the_same_on_every_machine() -> None:
    found = grams("환불 a", Spelling(chars=(1, 2), jamo=(3, 4), words=2))
    assert sorted(found.tolist())[:3] == [15915539, 56623661, 125238504]


def test_the_known_word_decides_and_others_say_nothing() -> None:
    told = model().read("환불 언제 되나요")
    assert told.label == told.best == "refund" and told.confidence > 0.95
    assert sum(share for _, share in told.ranked) == pytest.approx(1.0)


@pytest.mark.parametrize("text", ["", "   ", "안녕하세요", "환불 배송", "\ud800"])
def test_below_its_confidence_it_abstains(text: str) -> None:
    told = model().read(text)
    assert told.label is None and told.confidence == pytest.approx(0.5) and told.best in ("refund", "parcel")


def test_rules_have_the_say_that_was_trained_and_no_more() -> None:
    assert model(prior_weight=3.0).read("안녕하세요", {"parcel": 2.0}).label == "parcel"
    assert model(prior_weight=0.0).read("안녕하세요", {"parcel": 2.0}).label is None
    assert model(prior_weight=3.0).read("안녕하세요", {"elsewhere": 9.0}).label is None


def test_sharpness_changes_confidence_and_not_the_order() -> None:
    dull, sharp = (model(sharpness=value).read("환불") for value in (0.2, 5.0))
    assert dull.best == sharp.best and dull.confidence < sharp.confidence


def test_a_file_gives_the_model_back_and_is_the_same_every_time(tmp_path: Path) -> None:
    save_model(model(about={"lines": 2}), tmp_path / "a.npz")
    save_model(model(about={"lines": 2}), tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    back = load_model(tmp_path / "a.npz")
    assert back.read("배송") == model().read("배송") and back.about == {"lines": 2} and back.certain == 0.9
    assert [each.name for each in sorted(tmp_path.iterdir())] == ["a.npz", "b.npz"]


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04broken"])
def test_a_file_that_is_no_model_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(UnusableModel, match="no text model"):
        load_model(tmp_path / "x.npz")


def test_missing_files_pickles_and_broken_parts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableModel, match="cannot be read"):
        load_model(tmp_path / "none.npz")
    np.savez(tmp_path / "pickle.npz", head=np.array([{"a": 1}], dtype=object))
    with pytest.raises(UnusableModel, match="no text model"):
        load_model(tmp_path / "pickle.npz")
    for changes in (
        {"idf": np.ones(3, np.float32)},
        {"labels": ("refund", "refund")},
        {"keys": np.zeros(2, np.uint32)},
        {"bias": np.array([np.nan, 0], np.float32)},
    ):
        save_model(model(**changes), tmp_path / "broken.npz")
        with pytest.raises(UnusableModel, match="damaged"):
            load_model(tmp_path / "broken.npz")
    with pytest.raises(UnusableModel, match="ships"):
        shipped("weather")


def npy(array: np.ndarray) -> bytes:
    written = io.BytesIO()
    np.save(written, array)
    return written.getvalue()


def with_part(folder: Path, part: str, content: bytes) -> Path:
    """A sound model's file with one part replaced."""
    save_model(model(), folder / "sound.npz")
    with zipfile.ZipFile(folder / "sound.npz") as sound:
        parts = {each: sound.read(each) for each in sound.namelist()} | {f"{part}.npy": content}
    with zipfile.ZipFile(folder / "hostile.npz", "w", zipfile.ZIP_DEFLATED) as packed:
        for each, value in parts.items():
            packed.writestr(each, value)
    return folder / "hostile.npz"


def huge() -> bytes:
    head = b"{'descr': '<u4', 'fortran_order': False, 'shape': (100000000000000,), }\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head


@pytest.mark.parametrize(
    ("part", "content", "said"),
    [
        ("keys", huge(), "no text model"),
        ("head", npy(np.frombuffer(b"[" * 200_000, np.uint8)), "no text model"),
        ("keys", npy(np.array(["a", "b"])), "other kinds"),
        ("keys", npy(np.array([1, 2], np.int64)), "other kinds"),
        ("idf", npy(np.array(["1", "2"])), "other kinds"),
        ("scales", npy(np.array(["1", "2"])), "other kinds"),
        ("bias", npy(np.zeros(2, np.float64)), "other kinds"),
        ("weights", npy(np.zeros((2, 2), np.int16)), "other kinds"),
        ("idf", npy(np.zeros((2, 1), np.float16)), "do not fit"),
        ("keys", npy(np.array(3, np.uint32)), "do not fit"),
        ("idf", npy(np.array([np.nan, 1], np.float16)), "no numbers"),
        ("scales", npy(np.array([np.inf, 1], np.float32)), "no numbers"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hostile_parts_are_refused_in_a_sentence(
    tmp_path: Path, part: str, content: bytes, said: str
) -> None:
    with pytest.raises(UnusableModel, match=said):
        load_model(with_part(tmp_path, part, content))


@pytest.mark.parametrize(("central", "local", "value"), [(10, 8, 99), (8, 6, 1)], ids=["method", "encrypted"])
def test_packings_that_cannot_be_read_are_refused(
    tmp_path: Path, central: int, local: int, value: int
) -> None:
    save_model(model(), tmp_path / "x.npz")
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[content.find(b"PK\x01\x02") + central] = value
    content[content.find(b"PK\x03\x04") + local] = value
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(UnusableModel, match="no text model"):
        load_model(tmp_path / "x.npz")


def test_a_small_file_that_unpacks_to_much_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert storing.MOST_BYTES == 200_000_000
    monkeypatch.setattr(storing, "MOST_BYTES", 1_000_000)
    load_model(with_part(tmp_path, "more", bytes(900_000)))
    bomb = with_part(tmp_path, "more", bytes(1_000_000))
    assert bomb.stat().st_size < 10_000
    with pytest.raises(UnusableModel, match="unpacks to over 1 MB"):
        load_model(bomb)


def test_one_array_alone_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(npy(np.zeros(3)))
    with pytest.raises(UnusableModel, match="no text model"):
        load_model(tmp_path / "x.npz")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    for what in ("intent", "sentiment", "abuse"):
        told = shipped(what).read(text)
        assert 0 <= told.confidence <= 1 and {label for label, _ in told.ranked} == set(shipped(what).labels)


def test_shipped_weights_are_small() -> None:
    folder = Path(str(files("ccos.quality.classifying").joinpath("weights")))
    assert 0 < sum(each.stat().st_size for each in folder.iterdir()) < 4_000_000
