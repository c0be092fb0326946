"""Labelled replies that say what a passage says in other words, or something else: words alone do not tell.

`SAME` is what an embedding model would know of them; see `support.fake_embeddings`.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

SAME = (
    ("단순 변심", "마음이 바뀌신 경우", "생각이 달라지신 경우"),
    ("상품을 받은 뒤 일주일 안에", "물건을 수령하신 날부터 이레 동안", "물품이 도착한 날부터 이레까지"),
    ("신청하실 수 있습니다", "돌려보내실 수 있습니다", "반송을 접수하실 수 있습니다"),
)
PASSAGE = "반품 안내\n단순 변심 반품은 상품을 받은 뒤 일주일 안에 신청하실 수 있습니다."
QUESTION = "반품은 언제까지 되나요?"
_LEADS = ("", "안녕하세요, 고객님. ", "고객님, 문의 주셔서 감사합니다. ")
_GOOD = [f"{why} {when} {what}." for why, when, what in product(SAME[0][1:], SAME[1][1:], SAME[2][1:])]
_BAD = [
    "마음이 바뀌신 경우 매장에 방문하신 다음 상담원에게 말씀하실 수 있습니다.",
    "생각이 달라지신 경우 앱의 주문 내역에서 색상을 고르실 수 있습니다.",
    "단순 변심 반품은 매장 상담원과 통화하실 수 있습니다.",
    "상품을 받은 뒤 앱에서 반품 색상을 고르실 수 있습니다.",
    "회원 등급에 맞는 물품이 도착한 날부터 적립금을 사용하실 수 있습니다.",
    "적립금은 물품이 도착한 다음 회원 등급에 따라 사용하실 수 있습니다.",
    "매장에서 수령하신 영수증은 앱의 주문 내역에서 확인하실 수 있습니다.",
]


def replies(tickets: int) -> list[dict[str, Any]]:
    """One good and one bad reply to each ticket."""
    found = []
    for n in range(tickets):
        for choices, label in ((_GOOD, 1), (_BAD, 0)):
            answer = _LEADS[n // 7 % 3] + choices[n % len(choices)]
            line = {"ticket_id": n, "question": QUESTION, "evidence": [PASSAGE], "answer": answer}
            found.append({**line, "label": label, "language": "ko"})
    return found


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), "utf-8")
    return path
