"""Small labelled sets and a gate model that reads one thing: how much of the answer the evidence supports."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ccos.domain.certificate import Certificate
from ccos.domain.tier import Task
from ccos.quality.features import VERSION
from ccos.quality.model import GateModel, Head, Platt

FACTS = ("도착한 날부터 7일 안에", "왕복 배송비 6,000원을 내시면", "상품권은 현금으로")


def lines(count: int, **more: Any) -> list[dict[str, Any]]:
    """Good answers say the evidence again, bad ones something else; every fifth label is the other way."""
    found = []
    for n in range(count):
        supported = n % 2 == 0
        evidence = f"{n}번 안내: {FACTS[n % 3]} 반품하실 수 있습니다."
        answer = (
            f"고객님, {FACTS[n % 3]} 반품하실 수 있습니다."
            if supported
            else "고객님, 내일 비가 올 것 같습니다."
        )
        found.append(
            {
                "ticket_id": n // 2,
                "question": f"반품하고 싶어요 {n}",
                "evidence": [evidence],
                "answer": answer,
                "label": int(supported) if n % 5 else int(not supported),
                "generator": ("a", 7)[n % 2],
                **more,
            }
        )
    return found


def write(path: Path, rows: Iterable[Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def support_model(*certificates: Certificate, name: str = "support-only") -> GateModel:
    head = Head(
        intercept=0.0,
        weights={"support": 1.0},
        means={"support": 0.5},
        scales={"support": 0.25},
        calibration=Platt(slope=1.0, intercept=0.0),
    )
    return GateModel(name=name, features=VERSION, heads={"any": head}, certificates=certificates)


def certificate(required: float, threshold: float | None, *, scorer: str = "support-only") -> Certificate:
    return Certificate(Task.SOLUTION_DRAFT, None, required, threshold, 100, 50, 2, 0.1, scorer, "shipped")
