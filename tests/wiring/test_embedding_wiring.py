"""An embedding model out of the settings: a real file in a real child, a server, and what an operator is told."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import gguf
import psutil
import pytest

from ccos.domain.errors import BadInput, ModelUnusable
from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Prompt
from ccos.domain.tier import Tier
from ccos.domain.verdict import Verdict
from ccos.quality.judging import Rates
from ccos.quality.likeness import LikenessOdds
from ccos.quality.promises import Promises
from ccos.settings import Settings
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.second_opinion import SecondOpinion
from ccos.tiers.service import MultiTierLLMService
from ccos.tiers.testing import ScriptedProvider
from ccos.wiring import advice
from ccos.wiring.embedding import open_embedder, open_trial, write_embedding
from ccos.wiring.judges import write_judge
from ccos.wiring.opinions import open_opinion
from support.fake_embeddings import fake_embeddings
from support.judging import passage, prompt
from support.likeness_sets import PASSAGE, QUESTION, SAME
from support.tiny_gguf import build_tiny_gguf

ASKED = prompt(passage(PASSAGE), asked=QUESTION)
GOOD = "마음이 바뀌신 경우 물건을 수령하신 날부터 이레 동안 돌려보내실 수 있습니다."
ODDS = LikenessOdds(
    slope=10.0,
    intercept=-4.0,
    scorer="fixed",
    labels=200,
    auroc_gate=0.7,
    auroc_likeness=0.8,
    auroc_both=0.85,
    gain=(0.02, 0.2),
)


class Unsure:
    """A gate that finds every reply of quality 0.75."""

    def judge(self, prompt: Prompt, answer, *, tenant_id=None, tier=None) -> Verdict:
        return Verdict(0.1 if answer.provider == "rules" else 0.75, "fixed", answer.text)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes settings out of nothing but what a test gives."""
    monkeypatch.chdir(tmp_path)
    for name in list(Settings.model_fields):
        monkeypatch.delenv(f"CCOS_{name.upper()}", raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return lambda **given: Settings(**{"CCOS_HOME": tmp_path / "home", **given})


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    return build_tiny_gguf(folder / "embedder.gguf", pooling=gguf.PoolingType.MEAN)


def service(opinion: SecondOpinion | None) -> MultiTierLLMService:
    author = ScriptedProvider(Tier.LOCAL_MINIMAX, [GOOD], model="qwen-7b")
    rules = ScriptedProvider(Tier.RULE_BASED, ["확인 후 안내드리겠습니다."], name="rules")
    budget = MemoryBudget(MicroUsd(10**9))
    return MultiTierLLMService([author, rules], Unsure(), budget, opinion=opinion, dice=random.Random(1))


async def opened(found: Settings, stack: AsyncExitStack) -> SecondOpinion | None:
    return await open_opinion(found, Promises(), MemoryBudget(MicroUsd(10**9)), stack)


def processes() -> list[psutil.Process]:
    return [p for p in psutil.Process().children(recursive=True) if "ccos.local.worker" in p.cmdline()]


async def test_a_file_that_proved_itself_runs_in_a_child_and_is_heard(settings, tiny: Path) -> None:
    found = settings(CCOS_SECOND_OPINION=True, CCOS_EMBEDDING_MODEL_PATH=tiny)
    write_embedding(found.folder, "embedder", ODDS)
    async with AsyncExitStack() as stack:
        embedder, local = await open_embedder(found, None, stack) or pytest.fail()
        assert local is not None
        await local.endpoint(seconds=30)
        near = await embedder.likeness(ASKED, GOOD, seconds=30)
        assert near is not None and -1.0 <= near.weakest <= near.mean <= 1.0
        copied = await embedder.likeness(
            ASKED, "단순 변심 반품은 상품을 받은 뒤 일주일 안에 신청하실 수 있습니다.", seconds=30
        )
        assert copied is not None and copied.weakest == pytest.approx(1.0, abs=1e-3)
        made = await service(SecondOpinion([embedder])).generate_with_fallback(ASKED)
        assert made.verdict.scores[0] == ("likeness", pytest.approx(ODDS.log_odds(near.value), abs=0.05))
        assert len(processes()) == 1
    assert processes() == []


async def test_until_its_file_is_loaded_drafts_go_on_without_it(settings, tiny: Path) -> None:
    found = settings(CCOS_SECOND_OPINION=True, CCOS_EMBEDDING_MODEL_PATH=tiny)
    write_embedding(found.folder, "embedder", ODDS)
    async with AsyncExitStack() as stack:
        opinion = await opened(found, stack)
        made = await service(opinion).generate_with_fallback(ASKED)
        assert made.accepted and made.quality_score == 0.75


@pytest.mark.parametrize("proven", [None, ODDS.model_copy(update={"gain": (-0.01, 0.2)})])
async def test_one_that_did_not_prove_itself_is_not_even_started(settings, tiny: Path, proven) -> None:
    found = settings(CCOS_SECOND_OPINION=True, CCOS_EMBEDDING_MODEL_PATH=tiny)
    if proven is not None:
        write_embedding(found.folder, "embedder", proven)
    async with AsyncExitStack() as stack:
        opinion = await opened(found, stack)
        assert opinion is not None
        assert not opinion.wanted(ASKED, Verdict(0.5, "fixed", GOOD), Tier.LOCAL_MINIMAX)
        assert processes() == []


async def test_without_the_setting_nobody_is_asked(settings, tiny: Path) -> None:
    found = settings(CCOS_EMBEDDING_MODEL_PATH=tiny)
    write_embedding(found.folder, "embedder", ODDS)
    async with AsyncExitStack() as stack:
        assert await opened(found, stack) is None


async def test_a_server_is_asked_by_the_name_and_the_key_of_the_settings(settings) -> None:
    with fake_embeddings(same=SAME) as fake:
        found = settings(
            CCOS_SECOND_OPINION=True,
            CCOS_EMBEDDING_BASE_URL=fake.url,
            CCOS_EMBEDDING_MODEL="bag",
            CCOS_EMBEDDING_API_KEY="secret",
        )
        write_embedding(found.folder, "bag", ODDS)
        async with AsyncExitStack() as stack:
            made = await service(await opened(found, stack)).generate_with_fallback(ASKED)
        assert made.quality_score > 0.9 and set(fake.keys) == {"Bearer secret"}


@pytest.mark.parametrize(
    ("url", "leaves"),
    [
        ("http://10.0.0.7:8080/v1", False),
        ("http://embeddings:8080", False),
        ("https://e.example.com/v1", True),
    ],
)
async def test_a_server_out_of_the_network_is_masked_for_and_paid(settings, url: str, leaves: bool) -> None:
    found = settings(CCOS_EMBEDDING_BASE_URL=url, CCOS_EMBEDDING_MODEL="bag")
    async with AsyncExitStack() as stack:
        embedder, local = await open_embedder(found, None, stack) or pytest.fail()
        assert local is None
        assert (embedder.card.leaves_machine, embedder.card.paid) == (leaves, leaves)


async def test_a_trial_without_a_model_or_with_a_broken_one_is_told(settings, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="CCOS_EMBEDDING_MODEL_PATH"):
        async with open_trial(settings(), load_seconds=1):
            pass
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF")
    with pytest.raises(ModelUnusable, match="cut off"):
        async with open_trial(settings(CCOS_EMBEDDING_MODEL_PATH=broken), load_seconds=30):
            pass


URL = {"CCOS_EMBEDDING_BASE_URL": "https://e.example.com/v1"}
ON = {"CCOS_SECOND_OPINION": True}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (ON, "CCOS_SECOND_OPINION is on and no model has proven itself"),
        ({"CCOS_EMBEDDING_MODEL": "bag"}, "CCOS_EMBEDDING_MODEL is not used"),
        ({"CCOS_EMBEDDING_PRICE": Decimal(1)}, "CCOS_EMBEDDING_PRICE is not used"),
        ({**URL, "CCOS_EMBEDDING_MODEL_PATH": "x.gguf"}, "CCOS_EMBEDDING_MODEL_PATH is not used"),
        ({"CCOS_EMBEDDING_MODEL_PATH": "x.gguf"}, "There is no model file at x.gguf"),
        (URL, "set CCOS_EMBEDDING_MODEL to a model there"),
        (URL, "leaves your network"),
        (URL, "set CCOS_EMBEDDING_PRICE"),
        ({**URL, "CCOS_EMBEDDING_MODEL": "bag"}, "CCOS_SECOND_OPINION is off"),
        ({**URL, **ON, "CCOS_EMBEDDING_MODEL": "bag"}, "run `ccos eval embedding FILE --save`"),
    ],
)
def test_settings_that_do_not_do_what_was_meant_are_told(settings, given, told: str) -> None:
    assert any(told in note for note in advice.notes(settings(**given)))


@pytest.mark.parametrize(
    ("pooled", "told"),
    [
        (None, "may be a chat model"),
        (gguf.PoolingType.RANK, "ranks texts and makes no vectors"),
        (gguf.PoolingType.CLS, None),
    ],
)
def test_a_file_that_is_no_embedder_is_told(settings, tmp_path: Path, pooled, told: str | None) -> None:
    file = build_tiny_gguf(tmp_path / "m.gguf", pooling=pooled)
    notes = [n for n in advice.notes(settings(CCOS_EMBEDDING_MODEL_PATH=file)) if "MODEL_PATH:" in n]
    assert bool(notes) is (told is not None) and all(told in note for note in notes if told)


def test_nothing_is_told_of_one_that_is_proven(settings) -> None:
    found = settings(**ON, CCOS_EMBEDDING_BASE_URL="http://embeddings/v1", CCOS_EMBEDDING_MODEL="bag")
    write_embedding(found.folder, "bag", ODDS)
    assert not [n for n in advice.notes(found) if "EMBEDDING" in n or "SECOND_OPINION" in n]


def test_a_proven_judge_is_enough_for_the_setting(settings) -> None:
    found = settings(**ON)
    write_judge(found.folder, "m", Rates(true_positive=0.9, true_negative=0.9, labels=200, good=100, bad=100))
    assert not [n for n in advice.notes(found) if "SECOND_OPINION" in n]


def test_a_key_that_no_key_can_be_is_a_mistake(settings) -> None:
    found = settings(CCOS_EMBEDDING_API_KEY="키")
    assert any(p.startswith("CCOS_EMBEDDING_API_KEY") for p in advice.problems(found))
