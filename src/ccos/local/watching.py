"""What is watched of a running model: whether its file changed, and how often something happened of late."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mark:
    """Tells one state of a file from another, without reading it."""

    device: int
    inode: int
    size: int
    modified_ns: int

    def same_file(self, other: Mark) -> bool:
        """Whether the bytes were changed in place, under whoever has mapped them."""
        return (self.device, self.inode) == (other.device, other.inode)


def mark_of(path: Path) -> Mark | None:
    """The mark of what stands at `path` now; None when nothing does, or nobody can look."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return Mark(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


class FileWatch:
    """Tells a change of a file once, when it was the same for two looks: a copy on its way is no new file."""

    def __init__(self, mark: Mark | None) -> None:
        self._seen = self._told = mark

    def is_news(self, mark: Mark | None) -> bool:
        """Of what was found now: whether it came to rest and was not told before."""
        rests, self._seen = mark == self._seen, mark
        if not rests or mark == self._told:
            return False
        self._told = mark
        return True


class Tally:
    """How often something happened within the last `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque()

    def add(self, now: float) -> int:
        """It happened now; how often it did within the window."""
        self._times.append(now)
        while self._times[0] < now - self._seconds:
            self._times.popleft()
        return len(self._times)
