"""The vectors of one tenant's passages in memory, and exact cosine search in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ccos.domain.evidence import EvidenceKind
from ccos.store.vectors import Held, Made

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[Any]

_BIT = {EvidenceKind.KB: 1, EvidenceKind.CASE: 2}
_FIRST_ROWS = 256


def as_bytes(vector: Sequence[float]) -> bytes:
    """The vector with length 1, as 16-bit floats, low byte first: half the space."""
    import numpy as np

    long = np.asarray(vector, dtype=np.float64)
    return bytes((long / np.linalg.norm(long)).astype("<f2").tobytes())


class Matrix:
    """One row for each text that a passage has, 32-bit floats of length 1.

    Everything but `nearest` belongs to one thread. Passages and vectors come in any order.
    """

    def __init__(self) -> None:
        self._rows: Floats | None = None
        self._pools: Floats | None = None
        self._hashes: list[bytes | None] = []
        self._at: dict[bytes, int] = {}
        self._free: list[int] = []
        self._users: dict[bytes, dict[tuple[UUID, int], EvidenceKind]] = {}
        self._held: dict[UUID, list[Held]] = {}

    def __len__(self) -> int:
        """Texts that have a vector."""
        return len(self._at)

    @property
    def width(self) -> int | None:
        return None if self._rows is None else int(self._rows.shape[1])

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return 0 if self._rows is None else int(self._rows.nbytes)

    def place(self, items: Iterable[UUID], held: Iterable[Held]) -> set[bytes]:
        """These items now have these passages, and no others; the texts among them that want a vector."""
        touched: set[bytes] = set()
        for item in items:
            for each in self._held.pop(item, ()):
                users = self._users[each.hash]
                users.pop((item, each.ordinal), None)
                touched.add(each.hash)
        for each in held:
            self._held.setdefault(each.item_id, []).append(each)
            self._users.setdefault(each.hash, {})[each.item_id, each.ordinal] = each.kind
            touched.add(each.hash)
        for text in touched:
            self._mark(text)
        return {text for text in touched if text in self._users and text not in self._at}

    def take(self, made: Sequence[Made]) -> None:
        """Vectors of texts that no passage has, or of another width than the first, are passed over."""
        import numpy as np

        for each in made:
            vector = np.frombuffer(each.vector, dtype="<f2").astype(np.float32)
            if each.hash not in self._users or (self.width or len(vector)) != len(vector):
                continue
            row = self._at.get(each.hash)
            if row is None:
                row = self._at[each.hash] = self._row(len(vector))
                self._hashes[row] = each.hash
            assert self._rows is not None
            self._rows[row] = vector
            self._mark(each.hash)

    def _row(self, width: int) -> int:
        import numpy as np

        if self._free:
            return self._free.pop()
        row = len(self._hashes)
        if self._rows is None or self._pools is None:
            self._rows = np.zeros((_FIRST_ROWS, width), dtype=np.float32)
            self._pools = np.zeros(_FIRST_ROWS, dtype=np.uint8)
        elif row == len(self._rows):
            more = row // 2
            self._rows = np.vstack([self._rows, np.zeros((more, width), dtype=np.float32)])
            self._pools = np.concatenate([self._pools, np.zeros(more, dtype=np.uint8)])
        self._hashes.append(None)
        return row

    def _mark(self, text: bytes) -> None:
        """Which pools a row is searched for; a text that nothing has any more is forgotten."""
        row, users = self._at.get(text), self._users.get(text)
        if not users:
            self._users.pop(text, None)
        if row is not None:
            assert self._pools is not None
            self._pools[row] = sum(_BIT[kind] for kind in set((users or {}).values()))
            if not users:
                del self._at[text]
                self._hashes[row] = None
                self._free.append(row)

    def nearest(
        self, kind: EvidenceKind, queries: Sequence[Sequence[float]], most: int
    ) -> list[list[tuple[int, float]]]:
        """For each query the rows that are nearest to it and their cosine, best first. For another thread.

        Raises ValueError for queries of another width than the passages'.
        """
        import numpy as np

        rows, pools = self._rows, self._pools
        if rows is None or pools is None:
            return [[] for _ in queries]
        asked = np.asarray(queries, dtype=np.float32)
        if asked.shape[1] != rows.shape[1]:
            raise ValueError("the query's vector has another width")
        asked /= np.linalg.norm(asked, axis=1, keepdims=True)
        wanted = np.flatnonzero(pools[: len(rows)] & _BIT[kind])
        found = []
        for query in asked:
            likeness = (rows @ query)[wanted]
            best = np.arange(len(likeness))
            if len(best) > most:
                best = np.argpartition(-likeness, most)[:most]
            best = best[np.argsort(-likeness[best], kind="stable")]
            found.append([(int(wanted[at]), float(likeness[at])) for at in best])
        return found

    def users(self, row: int, kind: EvidenceKind) -> list[tuple[UUID, int, bytes]]:
        """The passages whose text a row is, with the text's hash."""
        text = self._hashes[row]
        users = self._users.get(text, {}) if text is not None else {}
        return [(item, ordinal, text) for (item, ordinal), pool in users.items() if pool is kind and text]
