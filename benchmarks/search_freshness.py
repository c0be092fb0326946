"""How soon a change is found on each of two `ccos serve` processes on one database, while others write too.

    nice -n 10 python benchmarks/search_freshness.py [--changes 100] [--articles 5000] [--json]

Each change is an article put over HTTP; from the moment the put is answered, both servers are asked for it
until they have it. Measured three times: alone, with four more writers, and while `ccos kb import` brings
in `--articles` synthetic ones.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from search import Corpus

TENANT = "fresh"
GIVEN_UP_SECONDS = 60.0


def ccos(home: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ccos", *arguments], env=surroundings(home), stdout=subprocess.PIPE, check=True
    )
    return done.stdout.decode()


def surroundings(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CCOS_")}
    return kept | {"CCOS_HOME": str(home)}


@contextmanager
def serving(home: Path) -> Iterator[str]:
    log = home / f"serve-{time.monotonic_ns()}.log"
    with log.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "ccos", "serve", "--port", "0", "--no-worker"],
            env=surroundings(home), stderr=err, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            while (found := re.search(r"http://[^\s/]+:\d+", log.read_text())) is None:
                time.sleep(0.1)
            yield found[0]
        finally:
            process.terminate()
            process.wait(60)


class Shop:
    def __init__(self, urls: list[str], key: str) -> None:
        self._urls = urls
        self._key = key
        self._numbers = count(1)

    def call(self, url: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers, method="GET" if data is None else "PUT")
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def put(self) -> tuple[str, str]:
        """Its id and what it is found by: an article that nobody else writes of."""
        number = next(self._numbers)
        word = f"zq{number}x{time.monotonic_ns() % 10**9}"
        self.call(f"{self._urls[0]}/api/kb/{word}", {"title": word, "body": f"{word} 안내 본문입니다."})
        return word, word

    def seconds_until_found(self) -> list[float]:
        """On each server, from the answer to the put on."""
        external_id, query = self.put()
        begun = time.perf_counter()
        found: dict[str, float] = {}

        def ask(url: str) -> None:
            while time.perf_counter() - begun < GIVEN_UP_SECONDS:
                hits = self.call(f"{url}/api/kb/search?limit=3&q={urllib.parse.quote(query)}")
                if external_id in [hit["id"] for hit in hits]:
                    found[url] = time.perf_counter() - begun
                    return

        threads = [threading.Thread(target=ask, args=(url,)) for url in self._urls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [found.get(url, float("inf")) for url in self._urls]


def shown(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "searches": len(ordered),
        "p50_ms": round(ordered[len(ordered) // 2] * 1e3, 1),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1e3, 1),
        "most_ms": round(ordered[-1] * 1e3, 1),
        "over_2_s": sum(seconds > 2 for seconds in ordered),
    }


def measure(changes: int, articles: int) -> dict[str, Any]:
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="ccosf", dir="/tmp") as folder, ExitStack() as stack:
        home = Path(folder)
        ccos(home, "tenants", "create", TENANT, TENANT)
        key = json.loads(ccos(home, "keys", "create", "--role", "integration", "--tenant", TENANT, "--json"))
        shop = Shop([stack.enter_context(serving(home)) for _ in range(2)], key["key"])

        def timed() -> list[float]:
            return [seconds for _ in range(changes) for seconds in shop.seconds_until_found()]

        shop.seconds_until_found()
        told["alone"] = shown(timed())

        ended = threading.Event()

        def write() -> None:
            while not ended.is_set():
                shop.put()

        writers = [threading.Thread(target=write) for _ in range(4)]
        for writer in writers:
            writer.start()
        told["four more writers"] = shown(timed())
        ended.set()
        for writer in writers:
            writer.join()

        corpus = Corpus(articles)
        lines = (
            json.dumps({"id": f"s{n}", "title": title, "body": text})
            for n, (title, text) in enumerate(zip(corpus.titles(), corpus.texts(), strict=True))
        )
        (home / "many.jsonl").write_text("\n".join(lines))
        importing = threading.Thread(
            target=ccos, args=(home, "kb", "import", str(home / "many.jsonl"), "--tenant", TENANT)
        )
        importing.start()
        times: list[float] = []
        while importing.is_alive():
            times += shop.seconds_until_found()
        told[f"an import of {articles}"] = shown(times)
        told["nodes"] = json.loads(ccos(home, "kb", "stats", "--tenant", TENANT, "--json"))["nodes"]
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--changes", type=int, default=100)
    parser.add_argument("--articles", type=int, default=5_000)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    given = parser.parse_args()
    told = measure(given.changes, given.articles)
    if given.json:
        print(json.dumps(told, indent=2))
        return
    nodes = told.pop("nodes")
    for name, figures in told.items():
        print(f"{name:24s}" + "".join(f"  {label} {value:g}" for label, value in figures.items()))
    for node in nodes:
        print(
            f"{node['node']}: {node['state']}, {node['behind']} changes behind, {node['bytes'] / 1e6:.1f} MB"
        )


if __name__ == "__main__":
    main()
