"""Whether a registered model is whole, loads, and answers."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from ccos.domain.errors import CcosError
from ccos.local.gguf import read_model_file
from ccos.local.plan import ModelPlan
from ccos.local.registry.files import Done, sha256_of
from ccos.local.registry.manifest import Manifest, glance
from ccos.local.supervisor import Endpoint, LocalModel, Patience

LOAD_SECONDS = 600.0
ANSWER_SECONDS = 120.0
_QUESTION = "배송은 며칠 걸리나요? How long does delivery take?"
_ANSWER_TOKENS = 16
_ONE_START = Patience(load_seconds=LOAD_SECONDS, exits_allowed=0)
"""What does not start once is not started again: the person waits."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `detail` says what was found."""

    name: str
    passed: bool
    detail: str


async def verify(manifest: Manifest, path: Path, plan: ModelPlan, done: Done) -> list[Check]:
    """Size, checksum, header, a load in a process of its own, one answer. Ends at the first that fails."""
    checks = await asyncio.to_thread(_of_file, manifest, path, done)
    if not all(check.passed for check in checks):
        return checks
    return [*checks, *await _of_engine(replace(plan, path=path))]


def _of_file(manifest: Manifest, path: Path, done: Done) -> list[Check]:
    if (wrong := glance(manifest, path)) is not None:
        return [Check("size", False, wrong)]
    checks = [Check("size", True, f"{manifest.size} bytes")]
    try:
        digest = sha256_of(path, done)
    except OSError as fault:
        return [*checks, Check("sha256", False, f"{path} cannot be read: {fault.strerror}.")]
    if digest != manifest.sha256:
        said = (
            f"The content of {path} is not what was added: it was changed, or its disk fails; `ccos models"
            f" remove {manifest.name}` and get it again."
        )
        return [*checks, Check("sha256", False, said)]
    checks.append(Check("sha256", True, digest))
    try:
        model = read_model_file(path)
    except CcosError as fault:
        return [*checks, Check("header", False, fault.sentence)]
    return [*checks, Check("header", True, f"{model.architecture}, {model.context_length} tokens of context")]


async def _of_engine(plan: ModelPlan) -> list[Check]:
    try:
        async with started(plan) as (model, endpoint):
            loaded = Check("load", True, f"ready in {model.status.load_seconds or 0:.1f} s")
            return [loaded, await _answers(endpoint)]
    except CcosError as fault:
        return [Check("load", False, fault.sentence)]


@asynccontextmanager
async def started(plan: ModelPlan) -> AsyncIterator[tuple[LocalModel, Endpoint]]:
    """A model in a process of its own, loaded, and ended afterwards. Raises ModelUnusable."""
    with tempfile.TemporaryDirectory(prefix="ccos-model-") as folder:
        model = LocalModel(plan, state_dir=Path(folder), patience=_ONE_START)
        try:
            await model.start()
            yield model, await model.endpoint(seconds=LOAD_SECONDS)
        finally:
            await model.close(seconds=0)


async def _answers(endpoint: Endpoint) -> Check:
    body = {
        "messages": [{"role": "user", "content": _QUESTION}],
        "max_tokens": _ANSWER_TOKENS,
        "temperature": 0.2,
    }
    headers = {"Authorization": f"Bearer {endpoint.api_key}"}
    limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    began = time.monotonic()
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=limit) as http,
            http.post(f"{endpoint.base_url}/v1/chat/completions", json=body) as reply,
        ):
            reply.raise_for_status()
            said = await reply.json()
        written = int(said["usage"]["completion_tokens"])
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as fault:
        why = "in time" if isinstance(fault, TimeoutError) else f"({type(fault).__name__})"
        return Check("answer", False, f"It loaded and gave no answer {why}.")
    return Check("answer", written > 0, f"{written} tokens in {time.monotonic() - began:.1f} s")
