import gzip
import io
import json
import os
import threading
from pathlib import Path

import pytest

from ccos.domain.errors import BadInput
from ccos.domain.tier import Task, Tier
from ccos.learning import labelled as labelled_module
from ccos.learning.labelled import LabelledAnswer, parse_labelled, read_labelled


def _one(**fields) -> LabelledAnswer:
    (found,) = parse_labelled([json.dumps({"answer": "네", "label": 1, **fields})], "set.jsonl")
    return found


@pytest.mark.parametrize(
    "said, meant",
    [
        (1, "approve"), (0, "reject"), (True, "approve"), (1.0, "approve"), ("0", "reject"), ("edit", "edit"),
        (" Approved ", "approve"), ("REJECT", "reject"),
    ],
)  # fmt: skip
def test_labels_by_all_their_names(said, meant):
    found = _one(label=said)
    assert found.label == meant and found.good is (meant != "reject")


def test_ids_and_generators_may_be_numbers():
    found = _one(ticket_id=12, generator=7.5, tier=1, reasons="tone")
    assert (found.ticket_id, found.generator, found.tier) == ("12", "7.5", Tier.LOCAL_MINIMAX)
    assert found.reasons == ("tone",)


def test_a_task_of_another_name_is_judged_as_a_reply_and_keeps_its_name():
    found = _one(task="faq_answer")
    assert (found.told_task, found.task_name) == (Task.SOLUTION_DRAFT, "faq_answer")
    assert _one(task="kb_synthesis", question="q").told_task is Task.KB_SYNTHESIS
    assert _one(task=None, question="q").told_task is Task.SOLUTION_DRAFT
    assert _one().told_task is Task.KB_SYNTHESIS  # a claim without a question


@pytest.mark.parametrize("said, told", [("ko-KR", "ko"), ("EN_us", "en"), ("한국어", "ko"), ("fr", "en")])
def test_languages_by_all_their_names_and_unknown_ones_by_the_text(said, told):
    assert _one(language=said, question="Where is my order?").told_language == told


def test_evidence_in_several_shapes():
    assert _one(evidence="하나").evidence == ("하나",)
    assert _one(evidence=None).evidence == ()
    assert _one(evidence=[{"title": "제목", "text": "본문"}, "둘"]).evidence == ("제목\n본문", "둘")


def test_what_cannot_be_stored_is_dropped_at_the_door():
    assert _one(answer="a\ud800b", question="\x00q", evidence=["\udfffx"]).evidence == ("x",)
    assert _one(answer="a\ud800b").answer == "ab"


@pytest.mark.parametrize(
    "line, said",
    [
        ("nonsense", "this is not a JSON object"),
        ("[1, 2]", "this is not a JSON object"),
        ("[" * 100_000, "this is not a JSON object"),
        ('{"label": 1}', "answer is missing"),
        ('{"answer": 5, "label": 1}', "answer must be a text"),
        ('{"answer": "a"}', "label must be 0, 1, approve, edit or reject"),
        ('{"answer": "a", "label": 2}', "label must be 0, 1, approve, edit or reject"),
        ('{"answer": "a", "label": [1]}', "label must be 0, 1, approve, edit or reject"),
        ('{"answer": "a", "label": 1, "evidence": [1]}', "evidence.0 must be a text"),
        (
            '{"answer": "a", "label": 1, "evidence": ' + "[" * 500 + "]" * 500 + "}",
            "its lists or objects are nested too deeply",
        ),
    ],
)
def test_a_line_at_fault_is_named(line, said):
    good = json.dumps({"answer": "네", "label": 1})
    with pytest.raises(BadInput) as fault:
        list(parse_labelled([good, "\n", line, good], "set.jsonl"))
    assert fault.value.sentence == f"set.jsonl, line 3: {said}."
    skipped: list[str] = []
    assert len(list(parse_labelled([good, line, good], "set.jsonl", skipped=skipped))) == 2
    assert skipped == [f"set.jsonl, line 2: {said}."]


def test_plain_and_gzipped_files_and_a_mark_of_byte_order(tmp_path):
    line = json.dumps({"answer": "네", "label": 1}, ensure_ascii=False)
    plain, packed = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
    plain.write_text(f"\ufeff{line}\n\n", encoding="utf-8")
    packed.write_bytes(gzip.compress(line.encode()))
    assert read_labelled(plain) == read_labelled(packed) == [LabelledAnswer(answer="네", label="approve")]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe\x00", gzip.compress(b"{}" * 999)[:30]])
def test_a_file_without_answers_is_one_sentence(tmp_path, content):
    (tmp_path / "x.jsonl").write_bytes(content)
    with pytest.raises(BadInput, match=r"x\.jsonl"):
        read_labelled(tmp_path / "x.jsonl")


def _read(path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(BadInput) as fault:
        read_labelled(path)
    return fault.value.sentence


def _good(length: int) -> bytes:
    """A line of so many bytes, its end included."""
    line = json.dumps({"answer": "", "label": 1})
    return line.replace('""', '"' + "a" * (length - len(line) - 1) + '"').encode() + b"\n"


def test_a_damaged_gzip_names_its_file_and_line(tmp_path):
    packed = bytearray(gzip.compress(_good(40) * 5000))
    packed[30] ^= 0xFF
    packed[31] ^= 0x55
    said = _read(tmp_path / "bad.jsonl.gz", bytes(packed))
    assert said.startswith("bad.jsonl.gz, line ") and "cannot be read" in said
    said = _read(tmp_path / "text.jsonl", _good(40) + b"\xff\n")
    assert said.startswith("text.jsonl, line 2: this cannot be read")


def test_a_line_has_a_bound_however_small_it_was_packed(tmp_path):
    for name, pack in (("a.jsonl", bytes), ("a.jsonl.gz", gzip.compress)):
        (tmp_path / name).write_bytes(pack(_good(40) + _good(4_000_000)))
        assert len(read_labelled(tmp_path / name)) == 2
        said = _read(tmp_path / name, pack(_good(40) + _good(4_000_001)))
        assert said == f"{name}, line 2: no line may be longer than 4 MB; shorten it."


def test_a_file_has_a_bound_unpacked(tmp_path, monkeypatch):
    assert labelled_module.MOST_BYTES == 2_000_000_000
    monkeypatch.setattr(labelled_module, "MOST_BYTES", 120)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(_good(40) * 3))
    assert len(read_labelled(tmp_path / "b.jsonl.gz")) == 3
    said = _read(tmp_path / "b.jsonl.gz", gzip.compress(_good(40) * 4))
    assert said.startswith("b.jsonl.gz, line 4: unpacked, a file may hold") and said.endswith("split it.")


def test_lines_of_one_ticket_and_of_one_question_stay_together():
    assert _one(ticket_id="t", question="a").group == _one(ticket_id="t", question="b").group
    assert _one(question="a", evidence=["e"]).group == _one(question="a", evidence=["e"], answer="y").group
    assert _one(question="a", evidence=["e"]).group != _one(question="a", evidence=["f"]).group


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_a_pipe_is_read_as_a_file_is_even_one_byte_at_a_time(tmp_path, pack):
    os.mkfifo(tmp_path / "pipe")
    content = pack(_good(40) + _good(300))

    def dribble() -> None:
        with (tmp_path / "pipe").open("wb", buffering=0) as pipe:
            for byte in content:
                pipe.write(bytes([byte]))

    writer = threading.Thread(target=dribble)
    writer.start()
    found = read_labelled(tmp_path / "pipe")
    writer.join(10)
    first, second = (len(each.answer) for each in found)
    assert second - first == 260 and found[1].answer == "a" * second


def test_standard_input_goes_by_its_name(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(_good(40) + b"oops\n")))
    with pytest.raises(BadInput, match=r"^standard input, line 2: this is not a JSON object"):
        read_labelled(Path("-"))


def test_a_missing_file_is_called_missing(tmp_path):
    with pytest.raises(BadInput, match=r"There is no file .*none\.jsonl; give the path of one\."):
        read_labelled(tmp_path / "none.jsonl")
