"""A resident number keeps the whole task here, however it is written."""

from __future__ import annotations

import pytest

from ccos.quality.pii import classify


@pytest.mark.parametrize(
    "text",
    [
        "주민번호는 900101 : 1234567 입니다",
        "주민등록번호 (900101)1234567",
        "주민번호 90.01.01-1234567",
        "주민번호 90-01-01-1234567",
        "900101     1234567",
        "주민번호 앞 900101 / 뒤 1234567",
        "90년 1월 1일생, 뒷자리 1234567",
        "주민번호 900101-123****",
        "900101&nbsp;1234567",
        "900101%2D1234567",
        "900101 → 1234567",
        "외국인등록번호: 90/01/01 5234567",
        "RRN (900101) 1234567",
    ],
)
def test_ways_to_write_one(text: str) -> None:
    assert classify(text) == "local_only"


@pytest.mark.parametrize(
    "text",
    [
        "주문번호 20261103-004512 확인해 주세요",
        "운송장 601234500118",
        "1월 1일생 아이 선물이에요. 뒷자리 좌석 12번",
        "주민센터에서 받았고 금액은 1,234,567원이에요",
        "991332 : 1234567",  # no day of the calendar
        "상품 코드 900101, 수량 1234567",
        "인증번호 900101 / 운송장 601234500118",
    ],
)
def test_numbers_that_are_none(text: str) -> None:
    assert classify(text) != "local_only"
