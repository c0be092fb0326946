"""Labelled drafts for tests of training: half stand in their evidence, half do not."""

from __future__ import annotations

import random

from ccos.learning.labelled import LabelledAnswer

_WORDS = {
    "ko": "배송 환불 교환 쿠폰 적립 회원 주소 결제 상품 사진 영수증 설치 반납 예약 좌석 구독 요금 창고 포장 색상",
    "en": "parcel refund exchange coupon points member address payment item photo receipt setup",
}


def drafts(count: int, *, language: str = "ko", seed: int = 0) -> list[LabelledAnswer]:
    """`count` answers, two to a ticket: the first is made of its evidence, the second of other words."""
    draw = random.Random(seed)
    found = []
    for n in range(count):
        if n % 2 == 0:
            known = draw.sample(_WORDS[language].split(), 6)
        other = [word for word in _WORDS[language].split() if word not in known]
        said = draw.sample(known if n % 2 == 0 else other, 4)
        found.append(
            LabelledAnswer(
                question=f"{known[0]} {known[1]}?",
                evidence=(f"{' '.join(known)}.",),
                answer=f"{' '.join(said)}.",
                label="approve" if n % 2 == 0 else "reject",
                language=language,
                ticket_id=f"{language}-{n // 2}",
            )
        )
    return found
