"""A language that drafts are not written in is told honestly, and names and loans do not make one."""

from __future__ import annotations

import pytest

from ccos.agents.languages import Detected, detected
from ccos.agents.triage import triage
from ccos.agents.triage_models import RULES
from ccos.domain.ticket import Ticket


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("注文した商品がまだ届きません。返品できますか?", "ja"),
        ("キャンセルお願いします", "ja"),
        ("返品したいです 주문번호 20261010-001", "ja"),
        ("我的包裹还没有到,可以退款吗?", "zh"),
        ("Где мой заказ?", "other"),
        ("สินค้ายังไม่มา", "other"),
        ("¿Dónde está mi pedido?", "other"),
        ("Bonjour, je n'ai pas reçu ma commande", "other"),
        ("Wo ist meine Bestellung? Ich warte noch", "other"),
        ("Tôi chưa nhận được hàng", "other"),
        ("無料배송 쿠폰 안돼요", "ko"),
        ("東京에서 주문했는데 배송 되나요", "ko"),
        ("The box says ありがとう on it, is that right?", "en"),
        ("I bought the 東京 mug", "en"),
        ("café latte machine is broken", "en"),
        ("La Mer cream arrived open", "en"),
        ("12345!!!", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_language_a_customer_writes(text: str, language: Detected) -> None:
    assert detected(text) == language
    seen = triage(Ticket(description=text), pii="none", models=RULES)
    assert seen.language_detected == language
    assert seen.supported is (language in ("ko", "en", "unknown"))
    assert seen.language in ("ko", "en")
