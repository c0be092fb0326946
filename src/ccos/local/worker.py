"""The child process that holds one local model: llama.cpp's HTTP server, and nothing else of CCOS.

It runs apart because a fault in native code ends the process it is in. Started as
`python -m ccos.local.worker`, it reads one JSON line of configuration from stdin, writes one JSON line on
stdout when the model answers (`{"ready": true, "address": ...}`) or cannot be loaded (`{"ready": false,
"error": ...}`), and ends when stdin is closed. The engine's own messages go to stderr.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1
REFUSED = 3
"""Exit status after the model could not be loaded: starting it again would not help."""

LOOKUP = ("ngram_simple", 12, 48)
"""How `lookup` guesses: the engine's kind, the tokens that must stand alike before, and those guessed."""


def main() -> NoReturn:
    """Serve until stdin ends."""
    config = json.loads(sys.stdin.readline())
    _die_with_parent(config["parent"])
    control = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever the engine prints must not look like our one line
    for stop in (signal.SIGINT, signal.SIGTERM):  # those are for the parent, which then drains us
        signal.signal(stop, signal.SIG_IGN)
    try:
        server = _serve(config)
    except (ImportError, RuntimeError, OSError) as fault:
        kind = "import" if isinstance(fault, ImportError) else "load"
        control.write(json.dumps({"ready": False, "kind": kind, "error": str(fault)}) + "\n")
        control.flush()
        os._exit(REFUSED)
    control.write(json.dumps({"ready": True, "address": server.listening_address}) + "\n")
    control.close()
    sys.stdin.read()
    os._exit(0)  # without waiting for native threads: the parent has drained us


def _die_with_parent(parent: int) -> None:
    """A parent that is killed cannot close anything: on Linux the kernel ends us with it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it went before we asked
        os._exit(0)


def _serve(config: dict[str, Any]) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = config["model"]
    params.model_alias = {config["name"]}
    # Every slot has a context of its own: out of a shared one, two long answers at once both fail.
    params.n_ctx = config["context_tokens"] * config["slots"]
    params.n_parallel, params.kv_unified = config["slots"], False
    params.n_batch = params.n_ubatch = config["batch_tokens"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = config["threads"]
    params.cache_ram_mib = config["cache_mib"]
    params.no_extra_bufts = config["keep_weights_as_they_are"]
    params.check_tensors = config["check_weights"]
    params.fit_params = False
    if config["gpu_layers"] is not None:
        params.n_gpu_layers = config["gpu_layers"]
    # Loaded without being applied: a request names those it wants, and another tenant's must not leak in.
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 0.0) for path in config["adapters"]]
    params.lora_init_without_apply = True
    if config["speculation"] == "lookup":
        kind, match, guess = config.get("lookup", LOOKUP)
        name = f"COMMON_SPECULATIVE_TYPE_{kind.upper()}"
        params.speculative.types = [getattr(xllamacpp.common_speculative_type, name)]
        lengths = getattr(params.speculative, kind)
        lengths.size_n, lengths.size_m = match, guess
    if config["pooling"]:
        # With a context for each slot, texts of unequal length that are read together are read in parts, and
        # the vector is of the last part alone.
        params.embedding = params.kv_unified = True
        params.pooling_type = getattr(
            xllamacpp.llama_pooling_type, f"LLAMA_POOLING_TYPE_{config['pooling'].upper()}"
        )
    if config["chat_template"]:
        params.chat_template = config["chat_template"]
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.api_keys = [config["key"]]
    params.timeout_read = params.timeout_write = 600
    params.offline, params.ui = True, False
    params.endpoint_metrics, params.endpoint_slots = True, True
    params.verbosity = 1
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
