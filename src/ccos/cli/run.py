"""What every command shares: running, failing in one sentence, and printing."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

import click

from ccos.domain.errors import BadInput, BadSetting, CcosError, NotAllowed
from ccos.settings import Settings, load

T = TypeVar("T")

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def guarded(command: Callable[[], object]) -> int:
    """Runs a command; every fault becomes one sentence on stderr and an exit code, never a traceback."""
    try:
        command()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as fault:
        fault.show()
        return BAD_INPUT
    except BadSetting as fault:
        for sentence in fault.facts.get("problems", [fault.sentence]):
            complain(sentence)
        return BAD_INPUT
    except (BadInput, NotAllowed) as fault:
        complain(fault.sentence)
        return BAD_INPUT
    except CcosError as fault:
        complain(fault.sentence)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; nothing is wrong, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return DONE


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs async work to its end, on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


def settings(**overrides: Any) -> Settings:
    """The settings in force, with logging set up as they say. Raises BadSetting."""
    from ccos.wiring.logs import set_up_logs

    given = {name: value for name, value in overrides.items() if value is not None}
    found = load(**given)
    set_up_logs(found.log_format)
    return found


def complain(sentence: str) -> None:
    click.echo(f"ccos: {sentence}", err=True)


def fail(sentence: str) -> NoReturn:
    """Ends the command as a job that failed."""
    complain(sentence)
    raise click.exceptions.Exit(FAILED)


def print_json(document: object) -> None:
    """One JSON document on stdout, and nothing else there."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))
