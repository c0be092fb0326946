"""Two contents of a model file under one name are told apart, of large files too."""

import os

from ccos.local.editions import _WHOLE_BYTES, called, edition_of
from ccos.quality.judging import same_family
from support.tiny_gguf import build_tiny_gguf


def test_the_same_content_is_the_same_edition_wherever_it_lies(tmp_path):
    one, other = (build_tiny_gguf(tmp_path / name, seed=3) for name in ("a.gguf", "b.gguf"))
    assert edition_of(one) == edition_of(other) != edition_of(build_tiny_gguf(tmp_path / "c.gguf", seed=4))
    before = edition_of(one)
    content = bytearray(one.read_bytes())
    content[-1] ^= 1
    one.write_bytes(content)
    assert edition_of(one) != before


def test_of_a_large_file_other_weights_are_seen_wherever_they_begin(tmp_path):
    file = tmp_path / "large"
    with file.open("wb") as out:
        out.truncate(4 * _WHOLE_BYTES)
    before = edition_of(file)
    for begin in (_WHOLE_BYTES, 2 * _WHOLE_BYTES, 4 * _WHOLE_BYTES - 2**20):
        with file.open("r+b") as out:
            out.seek(begin)
            out.write(os.urandom(2**16))
        assert edition_of(file) != before
        before = edition_of(file)
    with file.open("ab") as out:
        out.write(b"0")
    assert edition_of(file) != before


def test_what_cannot_be_read_has_none(tmp_path):
    assert edition_of(tmp_path / "none") == "" == edition_of(tmp_path)
    assert called("m", "") == "m" and called("m", "0a1b2c3d") == "m@0a1b2c3d"


def test_a_model_is_of_its_own_family_in_every_edition_and_with_every_adapter():
    assert same_family("ours@0a1b2c3d+acme@11223344", "ours") and same_family("ours@1", "ours@2")
    assert not same_family("ours@0a1b2c3d", "theirs@0a1b2c3d")
