"""`ccos serve` and `ccos worker`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator

import click

from ccos.cli.run import DONE, complain, run, settings
from ccos.domain.errors import BadSetting
from ccos.wiring import Ccos, open_ccos

GRACE_SECONDS = 10


@click.command()
@click.option("--host", help="Address to listen on [CCOS_HOST, 127.0.0.1].")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one [CCOS_PORT, 8080].")
@click.option("--worker/--no-worker", default=True, help="Also draft queued tickets in this process.")
def serve(host: str | None, port: int | None, worker: bool) -> None:
    """Serve the console and the HTTP interface."""
    found = settings(CCOS_HOST=host, CCOS_PORT=port)

    async def go() -> None:
        from ccos.api.metrics import count_draft, count_search

        with listen(found.host, found.port) as door:
            async with open_ccos(found, on_draft=count_draft, on_search=count_search) as ccos:
                await serve_until_stopped(ccos, door, worker=worker)

    run(go(), terminated=DONE)


@click.command()
@click.option(
    "--concurrency", type=click.IntRange(1, 64), default=4, show_default=True, help="Drafts at once."
)
def worker(concurrency: int) -> None:
    """Draft queued tickets until stopped."""
    found = settings()

    async def go() -> None:
        from ccos import worker as work

        async with open_ccos(found) as ccos:
            complain("Waiting for tickets; stop with Ctrl-C.")
            await work.together(
                work.work(ccos, concurrency=concurrency),
                work.recover(ccos),
                work.upkeep(ccos),
                work.watch(ccos),
                work.crawl(ccos),
                work.look_for_gaps(ccos),
                work.learn_nightly(ccos),
                work.read_passages(ccos),
            )

    run(go(), terminated=DONE)


def listen(host: str, port: int) -> socket.socket:
    """A socket that is already bound, so that a port in use is told before anything else is opened."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named TCP, since event loops switch Nagle's delay (40 ms an answer) off only where they know it is TCP.
    door = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as fault:
        door.close()
        raise BadSetting(
            f"Cannot listen on {host} port {port} ({fault.strerror}); "
            "choose another with --port or CCOS_PORT."
        ) from None
    door.listen(512)
    return door


def address(door: socket.socket) -> str:
    """The URL a browser on this machine reaches it by."""
    host, port = door.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


async def serve_until_stopped(
    ccos: Ccos,
    door: socket.socket,
    *,
    worker: bool,
    when_ready: Callable[[str], Awaitable[None]] | None = None,
) -> None:
    """Serves until it is cancelled; then answers what it has begun, within ten seconds."""
    import uvicorn

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # its own way ends the process at SIGTERM before anything that was opened is closed

    from ccos import console
    from ccos import worker as work
    from ccos.api.app import create_app
    from ccos.store.ending import end, stop_if_asked

    app = create_app(ccos)
    console.mount(app)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = Server(config)
    stop_if_asked()
    beside = [asyncio.create_task(work.watch(ccos)), asyncio.create_task(work.upkeep(ccos))]
    if worker:
        beside += [
            asyncio.create_task(job(ccos))
            for job in (
                work.work,
                work.recover,
                work.crawl,
                work.look_for_gaps,
                work.learn_nightly,
                work.read_passages,
            )
        ]
    complain(f"Serving on {address(door)} (stop with Ctrl-C)")
    if when_ready is not None:
        await when_ready(address(door))
    serving = asyncio.create_task(server.serve(sockets=[door]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        console.let_go(app)
        server.should_exit = True
        raise
    finally:
        await end(beside)
        await asyncio.gather(serving, return_exceptions=True)
