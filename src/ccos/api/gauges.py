"""What `/metrics` tells of the servers of a tier, of models that run here and of vectors, read when asked.

Labels are tiers, names of the configuration and stable codes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ccos.domain.prompt import ProviderCard
from ccos.local.supervisor import State
from ccos.providers.local import Used
from ccos.providers.pool_server import Load
from ccos.tiers.service import MultiTierLLMService
from ccos.wiring.models import Served
from ccos.wiring.vectors import Vectors

_SERVER = ("tier", "server")
_MODEL = ("tier", "name")


class Source(Protocol):
    """What is read of the product."""

    @property
    def service(self) -> MultiTierLLMService: ...

    @property
    def models(self) -> Sequence[Served]: ...

    @property
    def vectors(self) -> Vectors | None: ...


def gauges_of(source: Source) -> bytes:
    """In the text format of Prometheus; nothing where no tier has servers or models of its own."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Insides(source))
    return generate_latest(registry)


class _Insides(Collector):
    def __init__(self, source: Source) -> None:
        self._source = source

    def describe(self) -> list[Metric]:
        return []  # so that registering reads nothing

    def collect(self) -> Iterator[Metric]:
        service, now = self._source.service, time.monotonic()
        load, told = service.load(), service.insights()
        models = {model.plan.name: model for model in self._source.models}
        servers: list[tuple[ProviderCard, Load]] = []
        local: list[tuple[ProviderCard, Served, Used, tuple[int, int, int]]] = []
        for card in service.cards:
            inside = told[card.deployment]
            if isinstance(inside, tuple):
                servers += [(card, each) for each in inside if isinstance(each, Load)]
            elif isinstance(inside, Used) and card.name in models:
                slots = load.get(card.deployment, (0, card.slots or 0, 0))
                local.append((card, models[card.name], inside, slots))
        if servers:
            yield from _of_servers(servers, now)
        if local:
            yield from _of_models(local)
        if self._source.vectors is not None:
            yield from _of_vectors(self._source.vectors)


def _of_servers(servers: Sequence[tuple[ProviderCard, Load]], now: float) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "ccos_server_requests", "Calls sent to a server of a tier.", labels=_SERVER
    )
    failures = CounterMetricFamily(
        "ccos_server_failures",
        "Calls that a server did not answer, by code; prompts it refused included.",
        labels=(*_SERVER, "reason"),
    )
    in_flight = GaugeMetricFamily("ccos_server_in_flight", "Calls under way.", labels=_SERVER)
    resting = GaugeMetricFamily(
        "ccos_server_resting", "1 while a server is left alone after a failure.", labels=_SERVER
    )
    up = GaugeMetricFamily(
        "ccos_server_up", "1 when the last call or look found a server well.", labels=_SERVER
    )
    for card, load in servers:
        labels = (card.tier.value, load.name)
        requests.add_metric(labels, load.requests)
        for reason, count in sorted({**load.faults, **load.refusals}.items()):
            failures.add_metric((*labels, reason), count)
        in_flight.add_metric(labels, load.in_flight)
        resting.add_metric(labels, float(load.failures > 0 and load.rests_until > now))
        up.add_metric(labels, float(load.reached and not load.failures and load.reachable is not False))
    yield from (requests, failures, in_flight, resting, up)


def _of_vectors(vectors: Vectors) -> Iterator[Metric]:
    calls = CounterMetricFamily(
        "ccos_embedding_calls",
        "Calls of the embedding model for search, by how they ended.",
        labels=("outcome",),
    )
    for outcome, count in sorted(vectors.embedder.read.items()):
        calls.add_metric((outcome,), count)
    without = CounterMetricFamily(
        "ccos_searches_without_vectors", "Searches that went on by words alone, by why.", labels=("reason",)
    )
    for reason, count in sorted(vectors.dense.failed.items()):
        without.add_metric((reason,), count)
    yield calls
    yield without
    for name, words, value in (
        ("texts", "Texts it was given.", float(vectors.embedder.texts)),
        ("seconds", "Seconds these calls took together.", vectors.embedder.seconds_reading),
    ):
        family = CounterMetricFamily(f"ccos_embedding_{name}", words)
        family.add_metric((), value)
        yield family


def _of_models(
    local: Sequence[tuple[ProviderCard, Served, Used, tuple[int, int, int]]],
) -> Iterator[Metric]:
    def gauge(name: str, words: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"ccos_local_model_{name}", words, labels=_MODEL)

    def counter(name: str, words: str) -> CounterMetricFamily:
        return CounterMetricFamily(f"ccos_local_model_{name}", words, labels=_MODEL)

    up = gauge("up", "1 when the model answers.")
    memory = gauge("memory_bytes", "Memory that the model's process has for itself, without mapped weights.")
    ceiling = gauge("memory_ceiling_bytes", "Memory above which a fresh process takes its place.")
    restarts = counter("restarts", "Processes that failed and were started again.")
    recycles = counter("recycles", "Processes that were replaced on purpose.")
    slots = gauge("slots", "Answers it writes at once.")
    busy = gauge("slots_busy", "Answers that are being written.")
    waiting = gauge("queue_length", "Calls that wait for a slot.")
    tokens_in = counter("prompt_tokens", "Tokens of prompts, those of the cache included.")
    cached = counter("prompt_tokens_cached", "Tokens of prompts that it had kept and did not read again.")
    tokens_out = counter("generated_tokens", "Tokens of answers.")
    for card, model, used, (in_flight, size, in_line) in local:
        status, labels = model.status, (card.tier.value, card.name)
        if status.own_bytes is not None:
            memory.add_metric(labels, status.own_bytes)
        if status.ceiling_bytes is not None:
            ceiling.add_metric(labels, status.ceiling_bytes)
        for family, value in (
            (up, model.state is State.UP),
            (restarts, status.restarts),
            (recycles, status.recycles),
            (slots, size),
            (busy, in_flight),
            (waiting, in_line),
            (tokens_in, used.tokens_in),
            (cached, used.tokens_cached),
            (tokens_out, used.tokens_out),
        ):
            family.add_metric(labels, float(value))
    yield from (up, memory, ceiling, restarts, recycles, slots, busy, waiting, tokens_in, cached, tokens_out)
