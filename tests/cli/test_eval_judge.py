"""`ccos eval judge` with a model server whose verdicts depend on the draft it reads."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest

from ccos.cli import eval_judge
from ccos.domain.tier import Tier
from ccos.learning.labelled import LabelledAnswer
from ccos.quality.judging import CRITERIA
from ccos.wiring.judges import FILE
from support.ccos_command import Command

PASSAGE = "반품 안내\n단순 변심 반품은 수령 후 7일 이내에 신청하실 수 있습니다."


class _Judge(BaseHTTPRequestHandler):
    """Calls a draft good unless it speaks of 14 days; one that speaks of nothing gets no verdict."""

    models: tuple[str, ...] = ("judge-7b",)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        draft = asked["messages"][-1]["content"].rpartition("답변 초안")[2]
        met = "14일" not in draft
        verdict = {name: {"met": met, "quote": "수령 후 7일 이내에 신청"} for name in CRITERIA}
        text = json.dumps(verdict, ensure_ascii=False) if "일" in draft else "모르겠습니다."
        piece = {
            "id": "x",
            "object": "chat.completion.chunk",
            "model": self.models[len(draft) % len(self.models)],
            "created": 1,
        }
        said = {**piece, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
        done = {**piece, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        body = b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in (said, done))
        self._send(body + b"data: [DONE]\n\n", "text/event-stream")

    def do_GET(self) -> None:
        self._send(json.dumps({"object": "list", "data": [{"id": "judge-7b"}]}).encode(), "application/json")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def judging() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Judge)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """60 right answers, 52 wrong ones the judge sees through, 8 it does not."""
    answers = [(f"수령 후 7일 이내에 신청해 주세요. 문의 {n}번입니다.", 1) for n in range(60)]
    answers += [(f"수령 후 14일 이내에 신청해 주세요. 문의 {n}번입니다.", 0) for n in range(52)]
    answers += [(f"수령 후 30일 이내에 신청해 주세요. 문의 {n}번입니다.", 0) for n in range(8)]
    lines = [
        {"question": "반품 언제까지 되나요?", "evidence": [PASSAGE], "answer": answer, "label": label}
        for answer, label in answers
    ]
    path = tmp_path / "labelled.jsonl"
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8")
    return path


def test_a_judge_that_proves_itself_is_saved(ccos: Command, ccos_home, labelled: Path) -> None:
    with judging() as url:
        ran = ccos("eval", "judge", str(labelled), "--save", "--json", MINIMAX_BASE_URL=url)
    assert ran.code == 0, ran.err
    found = ran.json
    assert (found["model"], found["labels"], found["unusable"]) == ("judge-7b", 120, 0)
    assert found["true_positive"] == 1.0
    assert found["true_negative"] == pytest.approx(52 / 60)
    assert found["proven"] and found["saved"]
    kept = ccos_home.folder / FILE
    saved = json.loads(kept.read_text())["judge-7b"]
    assert (saved["labels"], saved["good"], saved["bad"]) == (120, 60, 60)
    kept.unlink()


def test_few_labels_prove_nothing_and_nothing_is_saved(ccos: Command, ccos_home, labelled: Path) -> None:
    with judging() as url:
        ran = ccos("eval", "judge", str(labelled), "--limit", "40", "--save", MINIMAX_BASE_URL=url)
    assert ran.code == 0, ran.err
    assert "judge-7b: 40 verdicts" in ran.out and "It is not heard" in ran.out
    assert not (ccos_home.folder / FILE).exists()


def test_a_tier_that_is_not_there_cannot_judge_and_nothing_is_asked(ccos: Command, labelled: Path) -> None:
    ran = ccos("eval", "judge", str(labelled), "--limit", "4", "--tier", "tier_2")
    assert ran.code == 2
    assert ran.sentence.startswith("tier_2 is not configured") and "TINYLLAMA_MODEL_PATH" in ran.sentence


def test_a_file_that_is_no_labelled_set_is_told(ccos: Command, tmp_path: Path) -> None:
    (tmp_path / "odd.jsonl").write_text('{"answer": "a"}\n')
    ran = ccos("eval", "judge", "odd.jsonl")
    assert ran.code == 2
    assert "line 1" in ran.sentence and "label" in ran.sentence


async def test_the_rules_on_what_may_leave_hold_for_every_text(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Service:
        def pulses(self):
            return [(SimpleNamespace(tier=Tier.CLOUD_PREMIUM), None)]

        async def generate_with_fallback(self, prompt, context):
            asked.append(context)
            verdict = SimpleNamespace(payload=None)
            return SimpleNamespace(verdict=verdict, tier=context.only, model=f"m{len(asked)}")

    @asynccontextmanager
    async def opened(*_args, **_more):
        yield SimpleNamespace(database=None, service=Service())

    async def tenant_for(*_):
        return SimpleNamespace(id=UUID(int=1), settings=SimpleNamespace(cloud_allowed=False))

    monkeypatch.setattr("ccos.wiring.open_ccos", opened)
    monkeypatch.setattr(eval_judge.tenancy, "tenant_for", tenant_for)
    rows = [LabelledAnswer(question=q, answer="a", label=1) for q in ("반품은요?", "900417-1234568 입니다")]
    models, trial = await eval_judge._tried(None, rows, Tier.CLOUD_PREMIUM, None)
    assert [(c.cloud_allowed, c.pii) for c in asked] in (
        [(False, "none"), (False, "local_only")],
        [(False, "local_only"), (False, "none")],
    )
    assert models == ["m1", "m2"] and trial.unusable == 2


def test_rates_of_two_models_are_saved_for_neither(
    ccos: Command, ccos_home, labelled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Judge, "models", ("judge-7b", "judge-8b"))
    with judging() as url:
        ran = ccos("eval", "judge", str(labelled), "--save", MINIMAX_BASE_URL=url)
    assert ran.code == 1 and "Nothing is saved: judge-7b, judge-8b" in ran.err
    assert not (ccos_home.folder / FILE).exists()
