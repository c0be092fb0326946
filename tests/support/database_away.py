"""A door between the application and PostgreSQL that can be closed, hung and opened while the server goes on."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit


class Door:
    """`async with Door(url) as door: Database(door.url)`. A hung door takes connections and carries nothing."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._behind = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self._folder = tempfile.TemporaryDirectory(prefix="door")
        self.url = urlunsplit(parts._replace(query=urlencode({"host": self._folder.name})))
        self.state: Literal["open", "hung", "closed"] = "open"
        self.connections = 0
        self._moved = asyncio.Event()
        self._carriers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Door:
        path = Path(self._folder.name) / ".s.PGSQL.5432"
        self._server = await asyncio.start_unix_server(self._accept, str(path))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for carrier in list(self._carriers):
            carrier.cancel()
        await asyncio.gather(*self._carriers, return_exceptions=True)
        await self._server.wait_closed()
        self._folder.cleanup()

    def become(self, state: Literal["open", "hung", "closed"]) -> None:
        """Closing ends the connections there are; hanging keeps them and carries nothing more."""
        self.state = state
        self._moved.set()
        self._moved = asyncio.Event()
        if state == "closed":
            for carrier in list(self._carriers):
                carrier.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carriers.add(task)
        self.connections += 1
        there: asyncio.StreamWriter | None = None
        try:
            with suppress(OSError, asyncio.CancelledError):
                if self.state == "closed":
                    return
                answers, there = await asyncio.open_unix_connection(self._behind)
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._carry(reader, there))
                    both.create_task(self._carry(answers, writer))
        finally:
            self._carriers.discard(task)
            for end in (writer, there):
                if end is not None:
                    end.close()

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            while self.state == "hung":
                await self._moved.wait()
            target.write(data)
            await target.drain()
        raise ConnectionError("one side has gone")
