"""`ccos demo` into a pipe; its table is that of `ccos draft --batch`, which is tested there."""

from __future__ import annotations

from support.ccos_command import Command


def test_its_json_can_be_matched_to_the_tickets_and_its_progress_is_lines(ccos: Command) -> None:
    ran = ccos("demo", "--json", "--limit", "12")
    assert ran.code == 0 and "\x1b" not in ran.err
    assert [draft["external_id"] for draft in ran.json["drafts"]] == [f"demo-{n:03}" for n in range(1, 13)]
    totals = ran.json["totals"]
    assert totals["tickets"] == totals["with_reply"] == 12 and totals["cost_usd"] == 0
    assert "ccos: Drafting: 10 of 12" in ran.err and "ccos: Drafting: 12 of 12" in ran.err
