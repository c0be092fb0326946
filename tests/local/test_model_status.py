"""What a status tells beside the state: memory and its ceiling, and when a model that is down is tried again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ccos.local.supervisor import State
from support.local_models import QUICK, is_state, running, until
from support.tiny_gguf import build_tiny_gguf


async def test_a_model_that_is_up_tells_its_memory_and_no_next_try(tmp_path: Path) -> None:
    async with running(build_tiny_gguf(tmp_path / "m.gguf"), tmp_path / "state", ceiling_mib=777) as model:
        await model.endpoint(seconds=30)
        status = model.status
        assert status.own_bytes is not None and 0 < status.own_bytes < 777 * 2**20
        assert (status.ceiling_bytes, status.retry_seconds, status.adapters) == (777 * 2**20, None, ())
    assert model.status.own_bytes is None, "what was closed holds nothing"


async def test_a_model_that_lacks_memory_says_when_it_is_tried_again(tmp_path: Path) -> None:
    patience = replace(QUICK, retry_seconds=400.0)
    file = build_tiny_gguf(tmp_path / "m.gguf")
    async with running(file, tmp_path / "state", patience=patience, available=lambda: 1) as model:
        await until(is_state(model, State.BROKEN))
        left = model.status.retry_seconds
        assert left is not None and 300 < left <= 400


async def test_a_file_that_cannot_be_used_is_not_tried_again_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(b"no model")
    async with running(file, tmp_path / "state") as model:
        await until(is_state(model, State.BROKEN))
        assert model.status.retry_seconds is None
