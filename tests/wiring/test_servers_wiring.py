"""Several servers of a tier: who is listed where, what they become, and what is told of them."""

from contextlib import AsyncExitStack

import pytest

from ccos.domain.errors import BadSetting
from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Task, Tier
from ccos.providers.pool import Pool
from ccos.settings import Settings, read_deployments
from ccos.wiring import advice
from ccos.wiring.models import answering
from ccos.wiring.providers import open_providers
from support.fake_upstream import FakeUpstream

PROMPT = Prompt(Task.SOLUTION_DRAFT, "Reply.", (Turn("user", "환불은 언제 되나요?"),))


@pytest.fixture
def settings(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return lambda **fields: Settings(**{"CCOS_HOME": tmp_path / "home", **fields})


def fake():
    return FakeUpstream(serves=("m",), down_does="hangs_up")


def listed(text, tmp_path):
    (tmp_path / "ccos.toml").write_text(text, "utf-8")


async def test_two_urls_are_a_pool_and_one_that_dies_is_followed_by_the_other(settings):
    async with fake() as a, fake() as b, AsyncExitStack() as stack:
        found = settings(minimax_base_url=f"{a.origin}, {b.origin}")
        providers, _ = await open_providers(found, stack)
        card = providers[0].card
        assert (card.tier, card.name, card.paid) == (Tier.LOCAL_MINIMAX, "minimax", False)
        for _ in range(4):
            assert (await providers[0].answer(PROMPT, seconds=5)).text
        before = len(b.seen)
        a.go_down(60)
        for _ in range(4):
            assert (await providers[0].answer(PROMPT, seconds=5)).provider == "minimax-2"
        assert len(b.seen) >= before + 4


@pytest.mark.parametrize("servers", [1, 2])
async def test_servers_whose_model_nobody_named_are_certified_under_the_name_they_give(settings, servers):
    async with fake() as a, fake() as b, AsyncExitStack() as stack:
        found = settings(minimax_base_url=",".join([a.origin, b.origin][:servers]))
        providers, models = await open_providers(found, stack)
        before = answering(providers, models, None)
        (named,) = {(await providers[0].answer(PROMPT, seconds=5)).model for _ in range(4)}
        assert (Tier.LOCAL_MINIMAX, named) not in before
        assert (Tier.LOCAL_MINIMAX, named) in answering(providers, models, None)


async def test_servers_of_the_file_bring_their_names_models_keys_and_slots(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("GPU_A_KEY", "sk-of-a")
    async with fake() as a, fake() as b, AsyncExitStack() as stack:
        listed(
            f"""
            [[tier_1]]
            name = "gpu-a"
            base_url = "{a.origin}"
            model = "m"
            api_key_env = "GPU_A_KEY"
            slots = 3
            context_tokens = 4096

            [[tier_1]]
            name = "gpu-b"
            base_url = "{b.origin}/v1"
            slots = 5
            """,
            tmp_path,
        )
        found = settings(minimax_model_path=tmp_path / "none.gguf")
        providers, models = await open_providers(found, stack)
        card = providers[0].card
        assert (card.slots, card.context_tokens, models) == (8, 4096, [])
        names = {(await providers[0].answer(PROMPT, seconds=5)).provider for _ in range(6)}
        assert names <= {"gpu-a", "gpu-b"}
        if not a.seen:
            b.go_down(60)
            await providers[0].answer(PROMPT, seconds=5)
        assert {request.headers.get("authorization") for request in a.seen} == {"Bearer sk-of-a"}
        assert all(request.headers.get("authorization") is None for request in b.seen)
    assert any("MINIMAX_MODEL_PATH is not used" in note for note in advice.notes(found))


async def test_a_server_out_of_the_network_is_no_part_of_the_pool(settings, tmp_path):
    listed(
        """
        [[tier_2]]
        name = "own"
        base_url = "http://127.0.0.1:9"
        [[tier_2]]
        name = "hosted"
        base_url = "https://models.example.com/v1"
        model = "small"
        price_in = 0.1
        price_out = 0.2
        """,
        tmp_path,
    )
    async with AsyncExitStack() as stack:
        providers, _ = await open_providers(settings(), stack)
        own, hosted = providers[:2]
        assert not own.card.paid and not own.card.leaves_machine and own.estimate(PROMPT) == 0
        assert hosted.card.paid and hosted.card.leaves_machine and hosted.estimate(PROMPT) > 0
    assert not [note for note in advice.notes(settings()) if "no price" in note]


async def test_one_server_listed_twice_is_refused(settings):
    async with AsyncExitStack() as stack:
        with pytest.raises(BadSetting, match="one and the same"):
            await open_providers(
                settings(minimax_base_url="http://127.0.0.1:9/v1,http://127.0.0.1:9/v1/"), stack
            )
    assert advice.problems(settings(minimax_base_url="http://127.0.0.1:9,http://127.0.0.1:9"))


async def test_a_hung_server_leaves_time_for_the_other(settings):
    async with (
        FakeUpstream("silent") as a,
        fake() as b,
        AsyncExitStack() as stack,
    ):
        found = settings(minimax_base_url=f"{a.origin},{b.origin}", minimax_model="m")
        providers, _ = await open_providers(found, stack)
        assert isinstance(providers[0]._inner, Pool)
        assert (await providers[0].answer(PROMPT, seconds=4.0)).provider == "minimax-2"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[tier_1]]\nname = 'a'", "server a, base_url: is missing."),
        ("[[tier_1]]\nname = 'A B'\nbase_url = 'http://x'", "server A B, name: must be 1 to 30"),
        ("[[tier_1]]\nname = 'a'\nbase_url = 'x'", "must begin with http:// or https://"),
        ("[[tier_1]]\nname = 'a'\nbase_url = 'http://x'\nurl = 1", "server a has no setting url"),
        ("[[tier_9]]\nname = 'a'", "tier_9 is not a part of it"),
        ("[tier_1]\nname = 'a'", "tier_1"),
        ("[[tier_1]]\nname = 'a'\nbase_url = 'http://x'\nprice_in = 1", "price_in and price_out"),
        ("[[tier_1]]\nname = 'a'\nbase_url = 'http://x'\napi_key_env = 'sk-1'", "name of a variable"),
        (
            "[[tier_1]]\nname = 'a'\nbase_url = 'http://x'\n[[tier_2]]\nname = 'a'\nbase_url = 'http://y'",
            "two servers are called a",
        ),
        ("tier_1 = [", "is not TOML"),
        ("[[tier_1]]\nname = 'a'\nbase_url = 'http://x'\nslots = 0", "server a, slots:"),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence(settings, tmp_path, text, sentence):
    listed(text, tmp_path)
    with pytest.raises(BadSetting) as caught:
        read_deployments(settings())
    problems = caught.value.facts["problems"]
    assert any(sentence in problem for problem in problems), problems
    assert advice.problems(settings()) == problems
    assert "sk-1" not in " ".join(problems)


def test_a_key_that_is_named_and_not_set_is_a_problem(settings, tmp_path, monkeypatch):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    listed("[[tier_1]]\nname = 'a'\nbase_url = 'http://10.0.0.1'\napi_key_env = 'NO_SUCH_KEY'", tmp_path)
    assert any("NO_SUCH_KEY" in problem for problem in advice.problems(settings()))


def test_the_file_of_the_working_folder_comes_before_that_of_the_home(settings, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "ccos.toml").write_text("[[tier_1]]\nname = 'h'\nbase_url = 'http://h'\n", "utf-8")
    assert read_deployments(settings()).of(Tier.LOCAL_MINIMAX)[0].name == "h"
    listed("[[tier_1]]\nname = 'w'\nbase_url = 'http://w'\n", tmp_path)
    assert read_deployments(settings()).of(Tier.LOCAL_MINIMAX)[0].name == "w"
