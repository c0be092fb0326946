"""Real llama.cpp servers beside the product, as an operator runs them: a process, a URL, a key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ccos.local.gguf import read_model_file
from ccos.local.libraries import child_environment
from ccos.local.plan import ModelPlan


@dataclass(frozen=True)
class ModelServer:
    url: str
    key: str
    process: subprocess.Popen[str]

    def kill(self) -> None:
        """As a machine that goes away."""
        self.process.kill()
        self.process.wait(10)


@contextmanager
def model_server(file: Path, folder: Path, *, key: str = "only-for-tests") -> Iterator[ModelServer]:
    """A server of `file` on a free port, which may be killed before the end."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = ModelPlan(name="tiny", path=file, context_tokens=4_096, threads=1)
    told = plan.told(read_model_file(file), key=key, cache_mib=8, check_weights=False)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "ccos.local.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=child_environment(folder),
    )
    watch = threading.Timer(60, process.kill)
    watch.start()
    try:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps({**told, "parent": os.getpid()}) + "\n")
        process.stdin.flush()
        ready = json.loads(process.stdout.readline())
        watch.cancel()
        yield ModelServer(ready["address"], key, process)
    finally:
        watch.cancel()
        process.kill()
        process.wait(10)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
