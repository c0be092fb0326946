"""The real engine in a real child process, with a tiny model."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from ccos.domain.errors import ModelUnusable
from ccos.local.child import Child
from ccos.local.ledger import HERE
from ccos.local.machine import decoding_threads
from ccos.local.plan import ModelPlan
from ccos.local.supervisor import LocalModel, Patience, State
from support.local_models import QUICK, busy_slots, get, is_state, model_processes, post, running, until
from support.tiny_gguf import build_tiny_gguf


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return build_tiny_gguf(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture(scope="module")
def slow(tmp_path_factory) -> Path:
    """Some hundred tokens a second, so that there is time to interrupt it."""
    return build_tiny_gguf(tmp_path_factory.mktemp("models") / "slow.gguf", width=256, layers=6)


def process_of(model: LocalModel) -> psutil.Process:
    assert model.status.pid is not None
    return psutil.Process(model.status.pid)


async def test_it_loads_and_chats_and_leaves_no_process_behind(tiny, tmp_path):
    async with running(tiny, tmp_path) as model:
        assert model.state is State.STARTING
        endpoint = await model.endpoint(seconds=30)
        assert model.state is State.UP and model.reason == ""
        assert endpoint.base_url.startswith("http://127.0.0.1:")
        assert endpoint.api_key not in repr(endpoint)
        status = model.status
        assert status.load_seconds is not None and status.load_seconds < 30 and status.restarts == 0
        process = process_of(model)
        body = {"messages": [{"role": "user", "content": "안녕하세요"}], "max_tokens": 5}
        reply = await post(model, "/v1/chat/completions", body)
        assert 1 <= reply["usage"]["completion_tokens"] <= 5
    assert not process.is_running()
    assert model.state is State.STOPPED and model.status.pid is None


async def test_the_child_has_two_slots_with_a_whole_context_each_and_few_threads(tiny, tmp_path):
    async with running(tiny, tmp_path) as model:
        slots = await get(model, "/slots")
        assert [slot["n_ctx"] for slot in slots] == [4096, 4096]
        environment = process_of(model).environ()
        assert environment["GOMP_SPINCOUNT"] == "1000"
    assert ModelPlan("m", tiny).threads == decoding_threads()


async def test_no_secret_of_the_parent_reaches_the_child(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    async with running(tiny, tmp_path) as model:
        endpoint = await model.endpoint(seconds=30)
        process = process_of(model)
        assert "OPENAI_API_KEY" not in process.environ()
        assert not any(endpoint.api_key in word for word in [*process.cmdline(), *process.environ().values()])


async def test_a_caller_without_the_key_is_refused(tiny, tmp_path):
    import aiohttp

    async with running(tiny, tmp_path) as model:
        endpoint = await model.endpoint(seconds=30)
        async with aiohttp.ClientSession() as http:
            for path in ("/slots", "/metrics", "/v1/chat/completions"):
                async with http.get(endpoint.base_url + path) as reply:
                    assert reply.status == 401


async def test_a_larger_context_than_the_model_was_made_for_is_cut_to_it(tiny, tmp_path):
    async with running(tiny, tmp_path, context_tokens=1_000_000) as model:
        assert (await model.endpoint(seconds=30)).context_tokens == 4096


async def test_it_comes_back_by_itself_with_another_key_after_kill_9(tiny, tmp_path):
    async with running(tiny, tmp_path) as model:
        first = await model.endpoint(seconds=30)
        process_of(model).kill()
        await until(lambda: model.status.restarts == 1)
        second = await model.endpoint(seconds=30)
        assert second.api_key != first.api_key
        assert (await get(model, "/health")) == {"status": "ok"}


async def test_a_signal_meant_for_the_whole_service_does_not_cut_its_answers(tiny, tmp_path):
    async with running(tiny, tmp_path) as model:
        await model.endpoint(seconds=30)
        for stop in (signal.SIGTERM, signal.SIGINT):
            process_of(model).send_signal(stop)
        assert (await get(model, "/health")) == {"status": "ok"}
        assert model.status.restarts == 0


async def test_nothing_in_the_working_folder_stands_in_for_the_engine(tiny, tmp_path, monkeypatch):
    (tmp_path / "xllamacpp.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(tmp_path)
    async with running(tiny, tmp_path / "state") as model:
        assert (await model.endpoint(seconds=30)).base_url


async def test_a_system_without_the_engine_says_what_to_do_instead(tiny, tmp_path, monkeypatch):
    (tmp_path / "xllamacpp.py").write_text("raise ImportError('no engine for this processor')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    async with running(tiny, tmp_path / "state") as model:
        with pytest.raises(ModelUnusable, match=r"no engine for this processor\); give the URL"):
            await model.endpoint(seconds=30)


async def test_a_child_that_hangs_is_killed_and_replaced(tiny, tmp_path):
    async with running(tiny, tmp_path, patience=replace(QUICK, health_seconds=0.5)) as model:
        await model.endpoint(seconds=30)
        process = process_of(model)
        process.send_signal(signal.SIGSTOP)
        await until(lambda: model.status.restarts == 1)
        assert not process.is_running()
        await until(is_state(model, State.UP))


async def test_a_child_that_keeps_dying_is_given_up_and_can_be_started_again(tiny, tmp_path):
    async with running(tiny, tmp_path, patience=replace(QUICK, exits_allowed=1)) as model:
        for _ in range(2):
            await model.endpoint(seconds=30)
            process_of(model).kill()
            await until(lambda: model.state is not State.UP)
        await until(is_state(model, State.BROKEN))
        assert "failed 2 times" in model.reason and "signal 9" in model.reason
        with pytest.raises(ModelUnusable, match="failed 2 times"):
            await model.endpoint(seconds=30)
        await model.start()
        assert (await model.endpoint(seconds=30)).base_url


async def test_a_model_that_was_given_up_gets_one_try_now_and_then_and_says_so(tiny, tmp_path):
    patience = replace(QUICK, exits_allowed=0, retry_seconds=0.6)
    async with running(tiny, tmp_path, patience=patience) as model:
        await model.endpoint(seconds=30)
        process_of(model).kill()
        await until(is_state(model, State.BROKEN))
        assert model.reason.endswith("signal 9. One new try is made every 0.01 min.")
        await until(is_state(model, State.STARTING))
        assert model.reason == "The model failed before and is tried once more."
        assert (await model.endpoint(seconds=30)).base_url and model.reason == ""


async def test_a_new_try_that_fails_is_one_and_the_next_comes_after_the_same_rest(tiny, tmp_path):
    patience = replace(QUICK, load_seconds=0.02, exits_allowed=1, retry_seconds=0.3)
    async with running(tiny, tmp_path, patience=patience) as model:
        await until(lambda: "failed 2 times" in model.reason)
        assert model.status.restarts == 1
        for _ in range(2):
            await until(is_state(model, State.STARTING))
            await until(is_state(model, State.BROKEN))
            assert "The model failed again: it was not loaded in 0.02 seconds." in model.reason
        assert model.status.restarts == 1


async def test_a_model_that_found_no_memory_is_loaded_when_there_is_some(tiny, tmp_path):
    room = [50 * 2**20]
    patience = replace(QUICK, retry_seconds=0.3)
    async with running(tiny, tmp_path, patience=patience, available=lambda: room[0]) as model:
        await until(is_state(model, State.BROKEN))
        assert "50 MiB is available" in model.reason and "One new try" in model.reason
        room[0] = 2**34
        await until(is_state(model, State.UP))


def cut(source: Path, to: Path) -> None:
    to.write_bytes(source.read_bytes()[:200_000])


def damaged_shape(source: Path, to: Path) -> None:
    """A header that reads well and a body that does not fit it: only the engine can notice."""
    to.write_bytes(source.read_bytes().replace(b"blk.1.ffn_up.weight", b"blk.9.ffn_up.weight"))


def foreign(source: Path, to: Path) -> None:
    """Of an architecture that no release of the engine knows."""
    to.write_bytes(source.read_bytes().replace(b"llama", b"zzzzz"))


@pytest.mark.parametrize(
    "make",
    [
        lambda source, to: to.write_text("no model"),
        cut,
        lambda source, to: build_tiny_gguf(to, broken_weights=True),
        lambda source, to: build_tiny_gguf(to, template="{% for %}"),
        damaged_shape,
    ],
    ids=["text", "truncated", "nan", "template", "tensors"],
)
async def test_a_file_that_no_engine_loads_is_not_tried_again_until_it_changes(tiny, tmp_path, make):
    file = tmp_path / "model.gguf"
    make(tiny, file)
    async with running(file, tmp_path / "state", patience=replace(QUICK, retry_seconds=0.05)) as model:
        await until(is_state(model, State.BROKEN))
        assert "try" not in model.reason and model.status.retry_seconds is None
        begun = model._changed
        await asyncio.sleep(0.5)
        assert model.state is State.BROKEN and model._changed is begun, "its state never moved"
        shutil.copy(tiny, tmp_path / "new")
        (tmp_path / "new").replace(file)
        await until(is_state(model, State.UP))


async def given_up(tiny: Path, tmp_path: Path) -> LocalModel:
    """A model that waits for its file, which is there by now."""
    file = tmp_path / "late.gguf"
    patience = replace(QUICK, heartbeat_seconds=5)
    model = LocalModel(ModelPlan("m", file, threads=1), state_dir=tmp_path, patience=patience)
    await model.start()
    await until(is_state(model, State.BROKEN))
    shutil.copy(tiny, file)
    return model


async def test_two_who_start_a_broken_model_start_one_process(tiny, tmp_path):
    model = await given_up(tiny, tmp_path)
    await asyncio.gather(model.start(), model.start())
    await model.endpoint(seconds=30)
    assert [child.pid for child in model_processes()] == [model.status.pid]
    await model.close(seconds=0)
    assert model_processes() == []


async def test_what_is_closed_while_it_is_started_stays_closed(tiny, tmp_path):
    model = await given_up(tiny, tmp_path)
    starting = asyncio.create_task(model.start())
    await asyncio.sleep(0)
    await model.close(seconds=0)
    await starting
    assert model.state is State.STOPPED and model._task is None and model_processes() == []


class Ending:
    """A process that ends when it is told to; what of one `Child` looks at while it stops it."""

    pid, returncode = 1, None

    def __init__(self):
        self.stdin = SimpleNamespace(close=lambda: None)
        self.ends = asyncio.get_running_loop().create_future()

    async def wait(self):
        self.returncode = await self.ends
        return self.returncode

    def kill(self):
        self.ends.done() or self.ends.set_result(-9)


@pytest.mark.parametrize("steps", range(4))
async def test_a_cancellation_that_meets_the_end_of_the_process_is_not_lost(tmp_path, steps):
    """Whoever supervises a model would go on, and whoever closes it would wait for ever."""
    process = Ending()
    stopping = asyncio.create_task(Child(process, tmp_path / "log", 0).stop())
    await asyncio.sleep(0.01)
    process.ends.set_result(0)
    for _ in range(steps):
        await asyncio.sleep(0)
    if stopping.cancel():
        with pytest.raises(asyncio.CancelledError):
            await stopping


async def test_a_cancelled_close_of_a_process_still_ends_it_and_gives_its_memory_back(tiny, tmp_path):
    before = HERE.promised
    async with running(tiny, tmp_path) as model:
        await model.endpoint(seconds=30)
        life, model._life = model._life, None
        closing = asyncio.create_task(life.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        assert closing.cancelled() and HERE.promised == before
        assert life.pid not in [child.pid for child in model_processes()]


async def test_what_is_started_while_it_is_closed_runs_after_that(tiny, tmp_path):
    async with running(tiny, tmp_path) as model:
        first = await model.endpoint(seconds=30)
        closing = asyncio.create_task(model.close(seconds=5))
        await asyncio.sleep(0)
        await model.start()
        await closing
        second = await model.endpoint(seconds=30)
        assert second.api_key != first.api_key and len(model_processes()) == 1


def test_the_rest_between_starts_doubles_up_to_a_limit():
    patience = Patience()
    assert [patience.backoff(n) for n in (1, 2, 3, 7, 50)] == [0.5, 1.0, 2.0, 30.0, 30.0]


async def test_a_caller_without_patience_is_told_at_once_that_it_loads(tiny, tmp_path):
    async with running(tiny, tmp_path) as model:
        with pytest.raises(ModelUnusable, match="being loaded") as caught:
            await model.endpoint()
        assert caught.value.facts["state"] == "starting"


async def test_a_load_that_takes_too_long_is_ended(tiny, tmp_path):
    patience = replace(QUICK, load_seconds=0.02, exits_allowed=0)
    async with running(tiny, tmp_path, patience=patience) as model:
        await until(is_state(model, State.BROKEN))
        assert "0.02 seconds" in model.reason


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda source, to: to.write_text("no model"), "not a GGUF file"),
        (cut, "cut off"),
        (
            lambda source, to: build_tiny_gguf(to, broken_weights=True),
            "cannot load the model: .*[Nn]a[Nn]|invalid",
        ),
        (lambda source, to: build_tiny_gguf(to, template="{% for %}"), "cannot load the model"),
        (damaged_shape, "cannot load the model: .*blk.*; download it again or give another"),
        (foreign, "does not know the model's architecture, zzzzz; give another model's file"),
        (lambda source, to: None, "no model file"),
    ],
    ids=["text", "truncated", "nan", "template", "tensors", "foreign", "missing"],
)
async def test_a_model_that_cannot_be_used_is_broken_with_the_reason(tiny, tmp_path, make, words):
    file = tmp_path / "model.gguf"
    make(tiny, file)
    async with running(file, tmp_path / "state") as model:
        with pytest.raises(ModelUnusable, match=words) as caught:
            await model.endpoint(seconds=30)
        assert model.state is State.BROKEN and model.status.restarts == 0
        assert caught.value.sentence.endswith(".") and "\n" not in caught.value.sentence
        assert "llama_" not in caught.value.sentence and "failed to load" not in caught.value.sentence


async def test_a_mended_file_can_be_started(tiny, tmp_path):
    file = tmp_path / "model.gguf"
    async with running(file, tmp_path) as model:
        await until(is_state(model, State.BROKEN))
        shutil.copy(tiny, file)
        await model.start()
        assert (await model.endpoint(seconds=30)).base_url


async def test_a_file_without_a_template_speaks_chatml(tmp_path):
    file = build_tiny_gguf(tmp_path / "m.gguf", template=None)
    async with running(file, tmp_path) as model:
        body = {"messages": [{"role": "user", "content": "hi"}]}
        prompt = (await post(model, "/apply-template", body))["prompt"]
        assert prompt == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"


async def test_a_model_larger_than_memory_is_refused_before_it_is_started(tiny, tmp_path):
    async with running(tiny, tmp_path, available=lambda: 50 * 2**20) as model:
        with pytest.raises(ModelUnusable, match=r"needs about .* MiB of memory and 50 MiB is available"):
            await model.endpoint(seconds=30)
        assert model.status.pid is None


async def _stream(model: LocalModel, tokens: int, started: asyncio.Event) -> str:
    import aiohttp

    endpoint = await model.endpoint(seconds=30)
    body = {
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": tokens,
        "ignore_eos": True,
        "stream": True,
    }
    headers = {"Authorization": f"Bearer {endpoint.api_key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(endpoint.base_url + "/v1/chat/completions", json=body) as reply,
    ):
        last = b""
        async for line in reply.content:
            started.set()
            last = line.strip() or last
        return last.decode()


async def test_close_lets_a_running_answer_end_and_refuses_new_ones(slow, tmp_path):
    async with running(slow, tmp_path) as model:
        started = asyncio.Event()
        answer = asyncio.create_task(_stream(model, 300, started))
        await started.wait()
        closing = asyncio.create_task(model.close(seconds=30))
        await asyncio.sleep(0)
        with pytest.raises(ModelUnusable, match="stopped"):
            await model.endpoint(seconds=1)
        assert await answer == "data: [DONE]"
        await closing
        assert model.status.pid is None


async def test_close_does_not_wait_longer_than_its_deadline(slow, tmp_path):
    async with running(slow, tmp_path) as model:
        started = asyncio.Event()
        answer = asyncio.create_task(_stream(model, 4000, started))
        await started.wait()
        process = process_of(model)
        await model.close(seconds=0.1)
        assert not process.is_running()
        assert (await asyncio.gather(answer, return_exceptions=True))[0] != "data: [DONE]"


async def test_closing_while_it_loads_and_twice_is_harmless(tiny, tmp_path):
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    model = LocalModel(ModelPlan("m", tiny), state_dir=tmp_path, patience=QUICK)
    await model.close()
    await model.start()
    await asyncio.sleep(0.02)
    await model.close()
    await model.close()
    assert model.state is State.STOPPED
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


async def test_both_slots_write_at_the_same_time(slow, tmp_path):
    async with running(slow, tmp_path) as model:
        began = [asyncio.Event(), asyncio.Event()]
        answers = [asyncio.create_task(_stream(model, 1500, event)) for event in began]
        await asyncio.gather(*(event.wait() for event in began))
        assert await busy_slots(model) == 2
        for answer in answers:
            answer.cancel()
        await asyncio.gather(*answers, return_exceptions=True)
        await until(lambda: _idle(model), seconds=3)


async def test_two_long_answers_at_once_do_not_take_each_others_context(tiny, tmp_path):
    async with running(tiny, tmp_path) as model:
        body = {
            "messages": [{"role": "user", "content": "hi " * 1700}],
            "max_tokens": 300,
            "ignore_eos": True,
        }
        replies = await asyncio.gather(*(post(model, "/v1/chat/completions", body) for _ in range(2)))
        assert [reply["usage"]["completion_tokens"] for reply in replies] == [300, 300]
        assert all(reply["usage"]["prompt_tokens"] > 3000 for reply in replies)


async def _idle(model: LocalModel) -> bool:
    return await busy_slots(model) == 0


_PARENT = """
import asyncio, sys
from pathlib import Path
from ccos.local.machine import decoding_threads
from ccos.local.plan import ModelPlan
from ccos.local.supervisor import LocalModel
async def main():
    model = LocalModel(ModelPlan("m", Path(sys.argv[1]), threads=1), state_dir=Path(sys.argv[2]))
    await model.start()
    if sys.argv[3] == "up":
        await model.endpoint(seconds=30)
    while model.status.pid is None:
        await asyncio.sleep(0.001)
    print(model.status.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.mark.parametrize("moment", ["up", "loading"])
async def test_no_child_outlives_a_parent_that_was_killed(tiny, tmp_path, moment):
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tiny), str(tmp_path), moment], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = await asyncio.to_thread(_pid_line, parent.stdout)
        child = psutil.Process(int(pid))
        parent.kill()
    await until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, seconds=5)


def _pid_line(stdout) -> str:
    """The first line that is a number: log lines may come before it."""
    return next(line for line in stdout if line.strip().isdigit())


async def test_the_engines_words_go_to_a_log_that_only_the_owner_reads_and_that_stays_small(tiny, tmp_path):
    log = tmp_path / "tiny.log"
    log.write_text("x" * 1_500_000)
    log.chmod(0o600)
    async with running(tiny, tmp_path) as model:
        await model.endpoint(seconds=30)
        assert log.stat().st_size < 1_000_000 and log.stat().st_mode & 0o077 == 0
        assert (tmp_path / "tiny.log.1").stat().st_size == 1_000_000


async def test_two_models_run_side_by_side(tiny, tmp_path):
    async with running(tiny, tmp_path / "a") as one, running(tiny, tmp_path / "b") as two:
        addresses = {(await model.endpoint(seconds=30)).base_url for model in (one, two)}
        assert len(addresses) == 2
        process_of(one).kill()
        await until(lambda: one.status.restarts == 1)
        assert two.status.restarts == 0 and json.dumps(await get(two, "/health"))
