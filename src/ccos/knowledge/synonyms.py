"""Other words for the same thing: a tenant's own, and what Korean and English desks call the common ones.

A query that says one word of a group is also searched with the others, at a lower weight: an exchange student
who asks for a coupon finds the article on 쿠폰, and one who writes 취소 finds what the shop calls 철회.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from ccos.knowledge import korean

Groups = Sequence[Sequence[str]]

WEIGHT = 0.5
"""What a word counts that was not said, against the one that was."""

_DESK = """
환불 refund, 반품 return, 교환 exchange, 배송 배달 delivery shipping, 택배 courier parcel, 주문 order,
취소 cancel, 결제 payment, 쿠폰 coupon, 포인트 적립금 points, 할인 discount,
회원 member account, 비밀번호 암호 password,
로그인 login, 영수증 receipt, 세금계산서 invoice, 주소 address, 보증 warranty, 수리 repair,
불량 하자 defective defect, 파손 damaged broken, 분실 lost missing, 지연 late delay, 무료 free,
해외 overseas international abroad, 송장 운송장 tracking, 사이즈 치수 size, 품절 재고 stock, 선물 gift,
리뷰 후기 review, 탈퇴 withdraw, 인증번호 verification, 계좌 account, 카드 card, 가격 price, 매장 store,
세탁 laundry wash, 배터리 battery, 고장 malfunction, 설치 install, 구독 subscription, 개인정보 privacy,
휴면 dormant, 등급 grade tier, 부분취소 partial, 예약 reservation booking, 해지 terminate, 요금 수수료 fee,
이메일 메일 email, 문자 sms, 휴대폰 핸드폰 phone, 앱 app, 오류 에러 error, 설정 settings, 계정 account,
업데이트 update
"""


def alternatives(query: str, own: Groups = ()) -> list[str]:
    """The words to search beside those of the query, each once and none that is there already."""
    normal = korean.normalise(query)
    said = set(korean.runs(normal))
    found: dict[str, None] = {}
    for group in (*_prepared(tuple(map(tuple, own))), *_desk()):
        there = [word.said_in(normal, said) for word in group]
        if any(there):
            found.update(
                {word.text: None for word, is_there in zip(group, there, strict=True) if not is_there}
            )
    return list(found)


@dataclass(frozen=True, slots=True)
class _Word:
    """A Latin word stands by itself, in whatever number; Korean is written together with what follows."""

    text: str
    runs: frozenset[str]

    def said_in(self, normal: str, said: set[str]) -> bool:
        return self.runs <= said if self.runs else self.text in normal


@cache
def _desk() -> tuple[tuple[_Word, ...], ...]:
    return tuple(_group(group.split()) for group in _DESK.replace("\n", " ").split(","))


@lru_cache(512)
def _prepared(groups: tuple[tuple[str, ...], ...]) -> tuple[tuple[_Word, ...], ...]:
    return tuple(map(_group, groups))


def _group(words: Iterable[str]) -> tuple[_Word, ...]:
    normal = (korean.normalise(word).strip() for word in words)
    single = {word: word.isascii() and " " not in word for word in normal if word}
    return tuple(_Word(word, frozenset(korean.runs(word) if latin else ())) for word, latin in single.items())
