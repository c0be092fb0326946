"""A file of `ccos train tiny` is put behind the drafter that fills its placeholders; any other file is not."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ccos import sample
from ccos.agents.prompts import query_prompt
from ccos.domain.prompt import Grounds
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Tier
from ccos.providers.tiny import TinyDrafter
from ccos.settings import Settings
from ccos.wiring.drafter import drafts_placeholders
from ccos.wiring.providers import open_providers, wait_until_loaded
from support.drafter_file import build_drafter_gguf
from support.tiny_gguf import build_tiny_gguf


@pytest.fixture
def drafter_file(tmp_path: Path) -> Path:
    return build_drafter_gguf(tmp_path / "drafter.gguf")


async def test_the_drafter_answers_whatever_the_length_of_the_prompt(drafter_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings(CCOS_HOME=tmp_path / "home", tinyllama_model_path=drafter_file)
    ticket = Ticket(description="환불 언제 되나요? " * 300)
    prompt = query_prompt(ticket, Grounds(ticket=ticket, settings=sample.settings()))
    async with AsyncExitStack() as stack:
        providers, models = await open_providers(settings, stack)
        await wait_until_loaded(models, seconds=30)
        drafter = next(p for p in providers if p.card.tier is Tier.LOCAL_TINYLLAMA)
        assert isinstance(drafter, TinyDrafter) and drafter.ready
        assert drafter.card.context_tokens > 100_000 and not drafter.card.leaves_machine
        assert await drafter.alive(seconds=1)
        assert "환불" in (await drafter.answer(prompt, seconds=20)).text


def test_other_files_and_none_are_no_drafters(tmp_path: Path, drafter_file: Path):
    assert drafts_placeholders(drafter_file)
    assert not drafts_placeholders(build_tiny_gguf(tmp_path / "other.gguf"))
    assert not drafts_placeholders(tmp_path / "missing.gguf")
    (tmp_path / "text.gguf").write_text("no model")
    assert not drafts_placeholders(tmp_path / "text.gguf")
