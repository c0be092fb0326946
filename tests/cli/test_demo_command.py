"""`ccos demo` into a pipe, where nobody sees colours, bars or the edge of a window."""

from __future__ import annotations

from support.ccos_command import Command


def test_the_table_is_whole_and_the_progress_is_lines(ccos: Command) -> None:
    ran = ccos("demo", "--no-serve", "--limit", "12")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].split() == ["ticket", "subject", "tier", "state", "score", "ms", "evidence", "flags"]
    rows = lines[1:13]
    assert [row.split()[0] for row in rows] == [f"demo-{n:03}" for n in range(1, 13)]
    assert all("3 rules" in row for row in rows) and "\x1b" not in ran.out + ran.err
    assert lines[-1] == "Scores are the plain heuristic's, a baseline and no probability."
    assert "ccos: Drafting: 10 of 12" in ran.err and "ccos: Drafting: 12 of 12" in ran.err


def test_its_json_is_one_document_that_can_be_matched_to_the_tickets(ccos: Command) -> None:
    ran = ccos("demo", "--json", "--limit", "2")
    assert ran.code == 0
    assert [draft["external_id"] for draft in ran.json["drafts"]] == ["demo-001", "demo-002"]
    assert ran.json["totals"]["tickets"] == 2 and ran.json["totals"]["cost_usd"] == 0
