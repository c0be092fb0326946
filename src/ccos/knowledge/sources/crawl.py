"""What a crawl has before and behind it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from yarl import URL

from ccos.knowledge.sources.fields import words
from ccos.knowledge.sources.port import Position

MOST_WAITING = 50_000


@dataclass(slots=True)
class Crawl:
    """Addresses that wait, and all that were met; `position` keeps it for whoever goes on."""

    waiting: deque[str] = field(default_factory=deque)
    met: set[str] = field(default_factory=set)
    home: str = ""
    follow: bool = True
    fetched: int = 0
    failures: int = 0
    size: int = 0
    complete: bool = True

    def meet(self, url: URL) -> None:
        said = str(url)
        if said in self.met:
            return
        if len(self.met) >= MOST_WAITING:
            self.complete = False
            return
        self.met.add(said)
        self.waiting.append(said)

    def position(self) -> Position:
        return {
            "waiting": list(self.waiting),
            "met": sorted(self.met),
            "home": self.home,
            "follow": self.follow,
            "fetched": self.fetched,
            "failures": self.failures,
            "size": self.size,
            "complete": self.complete,
        }

    @classmethod
    def at(cls, position: Position) -> Crawl:
        return cls(
            deque(words(position.get("waiting"))),
            set(words(position.get("met"))),
            str(position.get("home")),
            position.get("follow") is True,
            int(position.get("fetched", 0)),
            int(position.get("failures", 0)),
            int(position.get("size", 0)),
            position.get("complete") is True,
        )
