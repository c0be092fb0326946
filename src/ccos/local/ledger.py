"""What the models of this process were promised of the machine's memory and have not taken yet."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from ccos.local.machine import private_bytes

_Chosen = TypeVar("_Chosen")


class Ledger:
    """The promises of one process. Other processes have ledgers of their own, and nobody adds them up.

    A machine calls memory available until it is touched, and the pages of a mapped file even while they are
    in use. So a model counts for as long as its process runs: with what it was promised, less what that
    process has for itself.
    """

    def __init__(self, private: Callable[[int], int | None] = private_bytes) -> None:
        self._private = private
        self._shares: set[Share] = set()
        self._lock = threading.RLock()

    @property
    def promised(self) -> int:
        """Bytes that the machine still offers and that are spoken for."""
        with self._lock:
            return sum(max(share.size - self.own(share), 0) for share in self._shares)

    def own(self, share: Share) -> int:
        """Bytes that the share's process has for itself; 0 where it does not run or nobody says."""
        return 0 if share.pid is None else self._private(share.pid) or 0

    def decide(self, share: Share, choose: Callable[[int], tuple[_Chosen, int]]) -> _Chosen:
        with self._lock:
            chosen, size = choose(self.promised)
            if not share.given_back:
                share.size = size
                self._shares.add(share)
            return chosen

    def give_back(self, share: Share) -> None:
        with self._lock:
            share.given_back = True
            self._shares.discard(share)


class Share:
    """What one process of a model is promised, until `give_back`; `pid` from when it runs."""

    def __init__(self, ledger: Ledger) -> None:
        self.size = 0
        self.pid: int | None = None
        self.given_back = False
        self._ledger = ledger

    @property
    def held(self) -> int:
        """Bytes that others could have if this process ended now."""
        return max(self.size, self._ledger.own(self))

    def decide(self, choose: Callable[[int], tuple[_Chosen, int]]) -> _Chosen:
        """`choose` is told what others were promised (bytes), and gives its choice and the bytes it wants.

        They are promised to it before anybody else decides. What it raises is raised, and promises nothing.
        """
        return self._ledger.decide(self, choose)

    def give_back(self) -> None:
        """Nothing is promised any more, and nothing will be: its process ended, or will not begin."""
        self._ledger.give_back(self)


HERE = Ledger()
"""The ledger of this process."""
