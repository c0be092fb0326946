"""Whatever a person gives as a ticket, it is taken or refused in one sentence that repeats none of it."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from ccos.cli import reading
from ccos.domain.errors import BadInput, BadTicket
from ccos.domain.tenant import TenantSettings

SECRET = "tell-nobody"


def refusal(content: bytes | str | object) -> str:
    if not isinstance(content, (bytes, str)):
        content = json.dumps(content)
    raw = content.encode() if isinstance(content, str) else content
    with pytest.raises(BadTicket) as caught:
        reading.says_something(reading.parsed(raw, reading.Ticket, "ticket", BadTicket))
    sentence = caught.value.sentence
    assert SECRET not in sentence and len(sentence) < 250 and "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("ticket", "sentence"),
    [
        ({"subject": 5}, "subject: Input should be a valid string."),
        ({"description": [SECRET]}, "description: Input should be a valid string."),
        (
            {"subject": "x", "priority": SECRET},
            "priority: Input should be 'low', 'normal', 'high' or 'urgent'.",
        ),
        ({"subject": "x", "created_at": SECRET}, "created_at: Input should be a valid datetime"),
        (
            {"subject": "x", "created_at": "9999-12-31T23:59:59Z"},
            "created_at: Give a time from 1970 up to 2199.",
        ),
        (
            {"conversation_history": [{"role": "customer", "text": "x" * 100_000}] * 11},
            "It has more than 1000000 characters; shorten it.",
        ),
        ({"subject": SECRET, "tags": "one"}, "tags: Input should be a valid tuple."),
        ({"subject": "x" * 300}, "subject has more than 200 characters; shorten it."),
        ({"description": "가" * 100_001}, "description has more than 100000 characters; shorten it."),
        ({"subject": "x", "tags": ["a"] * 51}, "tags has more than 50 items; shorten it."),
        ({"subject": "x", "customer": SECRET}, "customer: Input should be an object."),
        (
            {"subject": "x", "conversation_history": [{"role": "agent", "text": "a"}, {"role": "bot"}]},
            "conversation_history[1].role: Input should be 'customer' or 'agent'. (1 more to correct.)",
        ),
        (
            {"subject": "x", "conversation_history": [{"role": "customer"}]},
            "conversation_history[0].text is missing; add it.",
        ),
        ({"subjet": "x"}, "subjet is not a field of a ticket: did you mean subject?"),
        (
            {"subject": "x", "customer": {"phon": "1"}},
            "customer.phon is not a field of a ticket: did you mean phone?",
        ),
        ({"subject": "x", "zzz": 1}, "zzz is not a field of a ticket: remove it."),
        ({"subject": "x", f"{SECRET} and more": 1}, "(an odd name) is not a field of a ticket: remove it."),
        ({"subject": "x", "\ud800": 1}, "(an odd name) is not a field of a ticket: remove it."),
        ({}, "The ticket says nothing: give it a subject, a description or a customer message."),
        ({"subject": " ", "description": "\n\0\ud800"}, "The ticket says nothing"),
        ({"conversation_history": [{"role": "agent", "text": SECRET}]}, "The ticket says nothing"),
        ([{"subject": SECRET}], "The ticket must be one JSON object; this is a list"),
        (SECRET, "The ticket is not JSON (Expecting value at line 1, column 1)"),
        (f'"{SECRET}"', "The ticket must be one JSON object; this is a text."),
        ("null", "The ticket must be one JSON object; this is null."),
        ("", "The ticket is not JSON (Expecting value at line 1, column 1)"),
        ('{"subject": "' + SECRET, "The ticket is not JSON (Unterminated string starting at"),
        (b'{"subject": "\xff\xfe"}', "The ticket is not UTF-8 text; save it as UTF-8."),
        ('{"subject": "x"}'.encode("utf-16"), "The ticket is not UTF-8 text; save it as UTF-8."),
        ("[" * 200_000, "The ticket is nested too deeply."),
        ('{"id": ' + "9" * 5_000 + "}", "The ticket holds a number that is too long."),
        (b" " * 5_000_000, "The ticket is over 2 MB; give a shorter one."),
    ],
)
def test_what_is_no_ticket_is_refused_by_its_field(ticket: object, sentence: str) -> None:
    assert sentence in refusal(ticket)


def test_nul_and_lone_surrogates_are_dropped_and_a_byte_order_mark_is_read_over() -> None:
    raw = b"\xef\xbb\xbf" + b'{"subject": "a\\u0000b\\ud800c", "description": "\\ud83d\\ude00"}'
    ticket = reading.parsed(raw, reading.Ticket, "ticket", BadTicket)
    assert (ticket.subject, ticket.description) == ("abc", "😀")


def test_a_message_of_the_customer_alone_is_a_ticket() -> None:
    ticket = reading.parsed(
        b'{"conversation_history": [{"role": "customer", "text": "hi"}]}', reading.Ticket, "ticket", BadTicket
    )
    assert reading.says_something(ticket).customer_text == "hi"


def test_the_lines_of_a_batch_keep_their_numbers(tmp_path: Path) -> None:
    file = tmp_path / "batch.jsonl"
    long = b'{"subject": "' + b"x" * 3_000_000 + b'"}'
    file.write_bytes(
        b'{"subject": "one"}\r\n\n  \n' + long + b'\n{"subject": ""}\nnot json\n{"subject": "six"}'
    )
    lines = dict(reading.ticket_lines(str(file)))
    assert sorted(lines) == [1, 4, 5, 6, 7]
    assert [getattr(line, "subject", "") for line in lines.values()] == ["one", "", "", "", "six"]
    assert "over 2 MB" in str(lines[4]) and "says nothing" in str(lines[5]) and "not JSON" in str(lines[6])


def test_a_path_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for source, words in {
        str(tmp_path): "is a folder; give the path of a file in it.",
        str(tmp_path / "none"): "give the path of one, or - for standard input.",
        str(tmp_path / "loop"): "cannot be read: Too many levels of symbolic links.",
        "a\0b": "The path holds a NUL character; correct it.",
    }.items():
        with pytest.raises(BadTicket, match=words.replace(".", r"\.")):
            reading.ticket(source)
        with pytest.raises(BadTicket):
            list(reading.ticket_lines(source))


def test_a_file_without_an_end_is_read_no_further_than_the_limit() -> None:
    with pytest.raises(BadTicket, match="over 2 MB"):
        reading.ticket("/dev/zero")


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=('{"subject": "piped"}',))
    writer.start()
    assert reading.ticket(str(tmp_path / "pipe")).subject == "piped"
    writer.join()


def test_settings_of_a_tenant_are_refused_in_the_same_way(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"categories": [{"nam": "x"}]}')
    with pytest.raises(BadInput) as caught:
        reading.document(str(file), TenantSettings, "settings file")
    assert caught.value.sentence == "categories[0].name is missing; add it."
    file.write_text('{"reply_max_character": 5}')
    with pytest.raises(BadInput, match="not a field of a settings file: did you mean reply_max_characters"):
        reading.document(str(file), TenantSettings, "settings file")


def test_a_line_of_just_the_longest_length_costs_no_other(tmp_path: Path) -> None:
    head = b'{"subject": "one"'
    longest = head + b" " * (reading.MOST_BYTES - len(head) - 1) + b"}\n"
    source = tmp_path / "tickets.jsonl"
    source.write_bytes(longest + b'{"subject": "two"}\n' + b" " + longest + b'{"subject": "four"}\n')
    lines = list(reading.ticket_lines(str(source)))
    assert [number for number, _ in lines] == [1, 2, 3, 4]
    assert [line.subject for _, line in lines if isinstance(line, reading.Ticket)] == [
        "one",
        "two",
        "one",
        "four",
    ]
