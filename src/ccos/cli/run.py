"""What every command shares: running, failing in one sentence, and printing. Imports nothing heavy."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import math
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from ccos.domain.errors import BadInput, BadSetting, CcosError, NotAllowed

if TYPE_CHECKING:
    from ccos.settings import Settings

T = TypeVar("T")

DONE, FAILED, BAD_INPUT, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143


def guarded(command: Callable[[], object]) -> int:
    """Runs a command; every fault becomes one sentence on stderr and an exit code, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without Hangul shows "?", and no traceback
            stream.reconfigure(errors="replace")
    try:
        code = command()  # click gives the code of its Exit back instead of raising it
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except SystemExit as stop:
        # click ends a command whose reader has gone with 1; `ccos ... | head` did what it was asked.
        if type(sys.stdout).__name__ == "PacifyFlushWrapper":
            return DONE
        return stop.code if isinstance(stop.code, int) else FAILED
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
    except OSError as fault:
        complain(
            f"{fault.filename or 'The output'} cannot be used: {fault.strerror or type(fault).__name__}."
        )
        with contextlib.suppress(OSError):  # what is still held back would fail again at the very end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code if isinstance(code, int) else DONE


def run(work: Coroutine[Any, Any, T], *, terminated: int = TERMINATED) -> T:
    """Runs async work to its end, on uvloop where there is one.

    SIGTERM ends it as Ctrl-C does, by cancelling it, so that what was opened is closed; the exit code is then
    `terminated`.
    """
    ended = False

    async def stoppable() -> T:
        task = asyncio.current_task()
        assert task is not None

        def end() -> None:
            nonlocal ended
            ended = True
            task.cancel()

        with contextlib.suppress(NotImplementedError):  # Windows has no such handlers
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
        return await work

    try:
        import uvloop
    except ImportError:
        runner = asyncio.run
    else:
        runner = uvloop.run
    try:
        return runner(stoppable())
    except asyncio.CancelledError:
        if ended:
            raise click.exceptions.Exit(terminated) from None
        raise


def settings(*, quiet: bool = False, **overrides: Any) -> Settings:
    """The settings in force, with logging set up as they say. Raises BadSetting.

    `quiet` leaves out what is no trouble, for commands that tell a person what goes on themselves.
    """
    import logging

    from ccos.settings import load
    from ccos.wiring.logs import set_up_logs

    given = {name: value for name, value in overrides.items() if value is not None}
    found = load(**given)
    set_up_logs(found.log_format, level=logging.WARNING if quiet else logging.INFO)
    return found


def complain(sentence: str) -> None:
    click.echo(f"ccos: {sentence}", err=True)


def fail(sentence: str) -> NoReturn:
    """Ends the command as a job that failed."""
    complain(sentence)
    raise click.exceptions.Exit(FAILED)


def end(code: int) -> None:
    """Ends the command with this exit code; nothing for `DONE`."""
    if code:
        raise click.exceptions.Exit(code)


def print_json(document: object) -> None:
    """One JSON document on stdout, in UTF-8 whatever the terminal's encoding, and nothing else there."""
    text = json.dumps(document, ensure_ascii=False, indent=2, default=str)
    click.echo(text.encode(errors="replace"))


class Number(click.FloatRange):
    """A number in a range; "nan" is none, though it compares with nothing."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return number


class Seconds(Number):
    name = "seconds"
