"""The process that reads PDF and DOCX files: a path a line in, a JSON answer a line out."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ccos.knowledge.formats import documents
from ccos.knowledge.formats.problem import Unreadable


def main(memory_bytes: int, seconds: float) -> None:
    # Whatever a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _limit_memory(memory_bytes)
    for line in sys.stdin.buffer:
        _limit_processor(seconds)
        answers.write(json.dumps(_answer(Path(json.loads(line)))).encode() + b"\n")
        answers.flush()


def _answer(file: Path) -> dict[str, object]:
    try:
        record, notes = documents.record(file)
    except Unreadable as fault:
        return {"unreadable": str(fault)}
    except MemoryError:
        return {"unreadable": "It needs too much memory to be read; split it or save it anew."}
    except Exception:
        return {"unreadable": "It is damaged; save it anew."}
    return {"record": record, "notes": notes}


def _limit_memory(memory_bytes: int) -> None:
    if sys.platform != "linux":
        return  # elsewhere the system has no such limit, or does not hold it
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_processor(seconds: float) -> None:
    """So that it ends too when its parent was killed and cannot stop it any more."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime + seconds) + 5
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
