"""`ccos draft` as a person runs it: one ticket, many, and the ways it can go wrong."""

from __future__ import annotations

import json
import re
import signal

import psycopg

from support.ccos_command import Command, Home, silent_server

TICKET = {
    "external_id": "d-1",
    "subject": "[bold]환불[/bold] 언제 되나요\u001b]0;title\u0007",
    "description": "반품했는데 환불이 언제 되나요?\u0000\ud800 [red]빨리[/red]",
    "priority": "low",
}


def test_a_ticket_from_standard_input_becomes_one_json_document(ccos: Command, shop: str) -> None:
    ran = ccos(
        "draft", "-", "--json", "--tenant", shop, input=json.dumps(TICKET), PYTHONPROFILEIMPORTTIME="1"
    )
    assert ran.code == 0
    draft = ran.json
    assert draft["external_id"] == "d-1" and draft["tier"] == "tier_3" and draft["reply"]
    assert draft["evidence"][0]["id"] == "refund" and draft["evidence"][0]["n"] == 1
    assert {"from", "to", "name", "confidence"} == set(draft["fields"][0])
    assert {"attempts", "checks", "cost_usd", "latency_seconds", "errors", "reason", "degraded"} <= set(draft)
    imported = set(re.findall(r"\| +([\w.]+)$", ran.err, re.MULTILINE))
    assert "langgraph" in imported and not imported & {"fastapi", "uvicorn", "ccos.api.app"}


def test_a_draft_is_readable_and_nothing_in_the_ticket_is_interpreted(ccos: Command, shop: str) -> None:
    (ccos.folder / "ticket.json").write_text(json.dumps(TICKET))
    # A model file that is missing costs its tier, not the draft.
    ran = ccos("draft", "ticket.json", "--tenant", shop, MINIMAX_MODEL_PATH="/none.gguf")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0] == "[bold]환불[/bold] 언제 되나요]0;title"
    assert re.match(
        r"(ready|needs_review|abstained) · tier_3 \(rules\) · rules-1 · score \d\.\d\d · ", lines[1]
    )
    assert "Fields" in lines and any(re.match(r"  priority: low → \w+  \(0\.\d\d\)", line) for line in lines)
    assert "  [1] 환불 기간  kb refund" in lines
    assert "\x1b" not in ran.out and "no model file at /none.gguf" in ran.err


def test_a_batch_drafts_what_it_can_and_names_the_lines_that_are_no_ticket(ccos: Command, shop: str) -> None:
    lines = [
        json.dumps({"external_id": f"b-{n}", "subject": "환불", "description": "환불 언제?"})
        for n in range(3)
    ]
    (ccos.folder / "batch.jsonl").write_text("\n".join([lines[0], "{", lines[1], '{"subject": 1}', lines[2]]))
    ran = ccos("draft", "--batch", "batch.jsonl", "--json", "--tenant", shop)
    assert ran.code == 1
    assert [draft["external_id"] for draft in ran.json["drafts"]] == ["b-0", "b-1", "b-2"]
    totals = ran.json["totals"]
    assert totals["tickets"] == 3 and totals["with_reply"] == 3 and totals["tiers"] == {"tier_3": 3}
    assert [bad["line"] for bad in totals["bad_lines"]] == [2, 4]
    assert ran.err.splitlines() == [
        "ccos: Line 2: The ticket is not JSON (Expecting property name enclosed in double quotes at line 1, "
        "column 2); correct it there.",
        "ccos: Line 4: subject: Input should be a valid string.",
        "ccos: Drafting: 3 of 3",
    ]


def test_a_batch_from_standard_input_is_a_table_as_wide_as_it_needs(ccos: Command) -> None:
    ran = ccos("draft", "--batch", "-", input=json.dumps(TICKET))  # also: the tenant `default` makes itself
    assert ran.code == 0
    head, row = ran.out.splitlines()[:2]
    assert head.split() == ["ticket", "subject", "tier", "state", "score", "ms", "evidence", "flags"]
    assert row.startswith("d-1     [bold]환불[/bold] 언제") and "3 rules" in row and "\x1b" not in ran.out
    assert "1 of 1 tickets have a draft" in ran.out
    assert "A score is the chance that a person sends the draft" in ran.out
    assert "The tenant default has no knowledge yet; `ccos kb import PATH` brings it." in ran.err


def test_what_cannot_be_drafted_is_bad_input(ccos: Command) -> None:
    missing = ccos("draft", "none.json")
    assert missing.code == 2 and missing.sentence.startswith("There is no file none.json;")
    empty = ccos("draft", "--batch", "-", input="\n\n")
    assert empty.code == 2 and empty.sentence == "There are no tickets."
    none_good = ccos("draft", "--batch", "-", input="x\n")
    assert none_good.code == 2 and none_good.err.count("\n") == 2 and not none_good.out


def test_an_unknown_tenant_is_bad_input(ccos: Command) -> None:
    ran = ccos("draft", "-", "--tenant", "nobody", input=json.dumps(TICKET))
    assert ran.code == 2
    assert ran.sentence == "There is no tenant 'nobody'; `ccos tenants list` shows those there are."


def test_ctrl_c_ends_a_draft_and_closes_the_database(ccos: Command, ccos_home: Home, shop: str) -> None:
    ticket = json.dumps({"external_id": "stopped", "subject": "환불", "description": "환불 언제 되나요?"})
    (ccos.folder / "ticket.json").write_text(ticket)
    with silent_server() as url, psycopg.connect(ccos_home.server.urls.superuser, autocommit=True) as admin:
        running = "SELECT count(*) FROM ccos.draft WHERE state = 'running'"
        arguments = ("draft", "ticket.json", "--tenant", shop, "--seconds", "60")
        with ccos.running(*arguments, MINIMAX_BASE_URL=url) as command:
            command.wait_until(lambda: admin.execute(running).fetchone() == (1,))
            assert command.end(signal.SIGINT) == 130
            assert "Traceback" not in command.err and not command.out
        assert admin.execute(running).fetchone() == (0,)
        others = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ccos' AND pid <> pg_backend_pid()"
        assert admin.execute(others).fetchone() == (0,)
