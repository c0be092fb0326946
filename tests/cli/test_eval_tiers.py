import asyncio
import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support.ccos_command import Command
from support.fake_upstream import Does, FakeUpstream
from support.labelled_sets import write


@contextmanager
def _upstream(*does: str | Does) -> Iterator[FakeUpstream]:
    """A model server in a thread of its own, while the command runs."""
    ready, ends = threading.Event(), asyncio.Event()
    found: list[FakeUpstream] = []

    async def serve() -> None:
        async with FakeUpstream(*does) as upstream:
            found.append(upstream)
            ready.set()
            await ends.wait()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(ends.set)
        thread.join(10)
        loop.close()


def test_the_rules_are_measured_without_anything_set(ccos: Command):
    ran = ccos("eval", "tiers", "--limit", "8", "--json", "--html", "out.html", "--language", "ko")
    assert ran.code == 0 and ran.sentence == "The report is in out.html."
    tiers = ran.json["tiers"]
    assert ran.json["tickets"] == 8 and not ran.json["stopped"]
    rules = tiers["tier_3"]
    assert rules["available"] and rules["answered"] == 24 and rules["cost_usd"] == 0
    assert rules["tasks"]["question_classification"]["intent"] >= 0.5
    assert rules["tasks"]["kb_query_building"]["hit@5"] >= 0.5
    assert 0 < rules["tasks"]["solution_drafting"]["quality"] <= 1
    assert "OPENAI_API_KEY" in tiers["tier_0"]["why"] and not tiers["tier_0"]["available"]
    page = (ccos.folder / "out.html").read_text("utf-8")
    assert "작업별 단계 비교" in page and "<svg" in page and "http" not in page and "OPENAI_API_KEY" in page


def test_a_local_server_is_measured_alone_and_the_rules_do_not_stand_in(ccos: Command):
    with _upstream() as upstream:
        ran = ccos(
            "eval",
            "tiers",
            "--tier",
            "tier_2",
            "--limit",
            "3",
            "--json",
            TINYLLAMA_BASE_URL=f"{upstream.origin}/v1",
        )
    assert ran.code == 0 and list(ran.json["tiers"]) == ["tier_2"]
    tiny = ran.json["tiers"]["tier_2"]
    assert tiny["asked"] == tiny["answered"] == 9 and tiny["models"] != ["rules-1"]
    assert tiny["tasks"]["solution_drafting"]["gold_cited"] is not None


def test_the_servers_of_a_list_in_the_home_are_measured(ccos: Command):
    file = ccos.home / "ccos.toml"
    with _upstream() as upstream:
        file.write_text(f"[[tier_2]]\nname = 'gpu-a'\nbase_url = '{upstream.origin}/v1'\n")
        try:
            ran = ccos("eval", "tiers", "--tier", "tier_2", "--limit", "1", "--json")
        finally:
            file.unlink()
    assert ran.code == 0 and ran.json["tiers"]["tier_2"]["answered"] == 3


def test_nonsense_is_an_answer_that_gets_nothing_right(ccos: Command):
    with _upstream(Does("ok", text="모르겠습니다")) as upstream:
        ran = ccos(
            "eval",
            "tiers",
            "--tier",
            "tier_2",
            "--limit",
            "2",
            "--json",
            TINYLLAMA_BASE_URL=f"{upstream.origin}/v1",
        )
    tasks = ran.json["tiers"]["tier_2"]["tasks"]
    assert tasks["question_classification"]["intent"] == 0.0 and tasks["kb_query_building"]["hit@5"] == 0.0
    assert tasks["solution_drafting"]["accepted_share"] == 0.0 and tasks["solution_drafting"]["vetoed"] == 2


def test_a_tier_that_cannot_answer_says_why_and_the_others_are_measured(ccos: Command):
    missing = str(ccos.folder / "none.gguf")
    ran = ccos(
        "eval",
        "tiers",
        "--limit",
        "2",
        TINYLLAMA_MODEL_PATH=missing,
        MINIMAX_BASE_URL="http://127.0.0.1:1/v1",
    )
    assert ran.code == 0
    assert f"tier_2: There is no model file at {missing}" in ran.out
    assert "tier_1: It answered nothing:" in ran.out and "solution drafting" in ran.out


def test_the_command_fails_when_none_of_the_tiers_can_answer(ccos: Command):
    ran = ccos("eval", "tiers", "--tier", "tier_0", "--tier", "tier_1")
    assert (
        ran.code == 1 and "tier_0: It is not configured: set OPENAI_API_KEY or ANTHROPIC_API_KEY." in ran.out
    )


def test_the_cloud_is_paid_from_the_days_money_and_no_more_than_said(ccos: Command):
    def run(most: str):
        with _upstream() as upstream:
            settings = {
                "OPENAI_API_KEY": "k",
                "OPENAI_BASE_URL": f"{upstream.origin}/v1",
                "CCOS_CLOUD_PRICE_IN": "1",
                "CCOS_CLOUD_PRICE_OUT": "4",
            }
            ran = ccos(
                "eval",
                "tiers",
                "--tier",
                "tier_0",
                "--limit",
                "2",
                "--spend-at-most",
                most,
                "--json",
                **settings,
            )
            return ran, upstream.answers_asked

    paid, _ = run("1")
    cloud = paid.json["tiers"]["tier_0"]
    assert paid.code == 0 and 0 < cloud["cost_usd"] < 1 and cloud["answered"]
    assert "Paid providers are asked, too, for $1.00 at most." in paid.err
    told = ccos("report", "cost", "--json")
    assert told.code == 0 and "openai" in told.out
    refused, calls = run("0")
    assert refused.code == 1 and calls == 0
    assert refused.json["tiers"]["tier_0"]["why"] == "It answered nothing: budget.exhausted."


def test_own_tickets_with_and_without_gold(ccos: Command):
    write(
        ccos.folder / "t.jsonl",
        [{"external_id": "a", "subject": "반품하고 싶어요"}, {"subject": "환불 언제 되나요"}],
    )
    gold = {
        "external_id": "a", "intent": "return_request", "category": "", "priority": "normal", "language": "ko",
        "sentiment": "neutral", "pii": "none", "kb_ids": ["return"], "answerable": True, "points": ["7일"],
    }  # fmt: skip
    write(ccos.folder / "g.jsonl", [gold])
    (ccos.folder / "kb").mkdir()
    (ccos.folder / "kb" / "return.md").write_text(
        "# 반품\n\n받으신 날부터 7일 안에 반품하실 수 있습니다.\n", "utf-8"
    )
    bare = ccos("eval", "tiers", "--tickets", "t.jsonl", "--json").json["tiers"]["tier_3"]["tasks"]
    assert bare["question_classification"]["n"] == 2 and bare["question_classification"]["intent"] is None
    known = ccos("eval", "tiers", "--tickets", "t.jsonl", "--gold", "g.jsonl", "--kb", "kb", "--json")
    tasks = known.json["tiers"]["tier_3"]["tasks"]
    assert tasks["question_classification"]["intent"] == 1.0 and tasks["question_classification"]["of"] == 1
    assert tasks["kb_query_building"]["hit@5"] == 1.0


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--tickets", "none.jsonl"], "none.jsonl"),
        (["--tickets", "bad.jsonl"], "bad.jsonl, line 1: "),
        (["--tickets", "empty.jsonl"], "holds no tickets"),
        (["--tickets", "t.jsonl", "--gold", "t.jsonl"], "t.jsonl, line 1: "),
        (["--tickets", "t.jsonl", "--gold", "empty.jsonl"], "speaks of none of these tickets"),
        (["--gold", "t.jsonl"], "Give --tickets with --gold"),
        (["--html", "nowhere/o.html"], "There is no folder nowhere"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(ccos: Command, arguments, said):
    write(ccos.folder / "t.jsonl", [{"external_id": "a", "subject": "반품"}])
    write(ccos.folder / "bad.jsonl", [["no ticket"]])
    (ccos.folder / "empty.jsonl").touch()
    ran = ccos("eval", "tiers", *arguments)
    assert ran.code == 2 and said in ran.sentence and ran.out == ""


def test_ctrl_c_shows_what_was_measured_and_leaves_nothing_behind(ccos: Command):
    with _upstream(Does("ok", delay=0.2)) as upstream:
        settings = {"TINYLLAMA_BASE_URL": f"{upstream.origin}/v1", "TMPDIR": str(ccos.folder)}
        with ccos.running("eval", "tiers", "--tier", "tier_2", "--json", **settings) as command:
            command.wait_until(lambda: upstream.answers_asked >= 5)
            assert list(ccos.folder.glob("ccos-eval-*"))
            assert command.end(signal.SIGINT) == 130
            found = json.loads(command.out)
            assert found["stopped"] is True and 3 <= found["tiers"]["tier_2"]["answered"] < 60
            assert "It was stopped before its end" in command.err and "Traceback" not in command.err
    assert not list(ccos.folder.glob("ccos-eval-*"))
