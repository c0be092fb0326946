"""Korean words of a service desk that mean nearly the same.

A good reply seldom uses the procedure's own words.
"""

from __future__ import annotations

import re

_CONCEPTS = {
    "change": "변경|바[꾸꿔뀌꿀꾼꿨뀔뀐]|교환|교체|수정|고[치쳐친칠쳤]|갈아",
    "refund": "환불|환급|돌려|되돌|반환|도로",
    "cancel": "취소|철회|무르|물러",
    "return": "반품|회수|돌려보|반송|수거",
    "send": "발송|출고|보내|보낸|보낼|부치|부쳐|배송(?!비)|배달|택배(?!비)|나가|내보",
    "arrive": "도착|수령|받[으은을아았고는지]|오[면는고]|온[다 ]|와[요서]|입고|배송완료",
    "shipping_cost": "배송비|운임|운송료|택배비|운반비",
    "cost": "비용|요금|금액|대금|가격|값[이은을도에]?|돈[이은을도]?$|수수료|부담금",
    "pay": "결제|지불|지급|납부|내[시셔면야고는]|낸|냅|부담|청구",
    "free": "무료|무상|공짜|면제|없이$",
    "ask": "신청|접수|요청|문의|청하|남기|남겨",
    "press": "누르|눌러|누른|누름|클릭|선택|고르|골라|고른|버튼|터치",
    "enter": "입력|등록|넣[으고은을]|넣어|적[으어고]|기입|기재|올리|올려|첨부",
    "check": "확인|살펴|보시|봐|보면|보실|조회|점검|검수|살피|심사|검토",
    "possible": "가능|되[며면고]|됩|돼|될",
    "deadline": "기한|기간|안에|이내|까지|내로|전까지",
    "now": "즉시|바로|곧바로|곧장|당장|지금|실시간",
    "by_itself": "자동|저절로|알아서|따로 .{0,4}않",
    "all": "모두|전부|전액|전체|다$|몽땅",
    "use": "사용|이용|쓰[시면고는지기]|써[요서도]|쓸|쓴|활용",
    "buy": "구매|구입|주문|사[시신실]|산[ ]?|샀",
    "end": "해지|탈퇴|끝[나내]|종료|중단|끊|만료|마치|마감",
    "delete": "삭제|지우|지워|지운|없애|없어지|소멸|사라|파기",
    "phone": "휴대폰|휴대전화|핸드폰|전화|연락|번호",
    "mail": "이메일|메일|전자우편",
    "broken": "불량|하자|결함|고장|파손|깨[지진져졌]|찢|찍[히힌]|이상이|망가|훼손|문제",
    "size": "사이즈|치수|크기",
    "stock": "재고|수량|물량|품절",
    "photo": "사진|이미지|촬영|찍[은어으]|영상",
    "member": "회원|가입자|멤버|등급",
    "join": "가입|등록|신규|재가입",
    "point": "포인트|적립금|마일리지|적립",
    "coupon": "쿠폰|할인|혜택|프로모션",
    "receipt": "영수증|명세|전표|계산서|증빙|서류",
    "desk": "고객센터|상담|1:1|문의처|저희|담당",
    "place": "주소|배송지|장소|지역|곳[에은이]?$",
    "day": "하루|당일|오늘|날[에은이]?$",
    "weekday": "영업일|평일|근무일",
    "first": "먼저|우선|미리|사전|앞서",
    "again": "다시|재발행|재발송|재배달|또[는한]?$|새로",
    "round_trip": "왕복|오가는|양쪽",
    "keep": "유지|그대로|이어|계속|지속|남[은아]",
    "not_needed": "필요.{0,2}없|않[으아]|안.{0,2}되",
    "let_know": "안내|알[려림리]|통지|문자|고지|공지",
    "open": "개봉|뜯|열[어지었]|열[면]|켜",
    "set_up": "설치|설정|세팅|조립",
    "login": "로그인|접속|비밀번호|인증|본인",
    "wait": "기다|대기|지연|늦[어은]|밀[려린]",
    "split": "나누|나눠|부분|따로|별도|분할",
    "gift": "선물|답례|사은",
    "contract": "약정|계약|구독|정기",
}


def _by_first_syllable() -> dict[str, re.Pattern[str]]:
    """Every spelling begins with a plain character, so that few are tried on any word."""
    found: dict[str, list[str]] = {}
    for name, spellings in _CONCEPTS.items():
        mine: dict[str, list[str]] = {}
        for spelling in spellings.split("|"):
            mine.setdefault(spelling[0], []).append(spelling)
        for first, these in mine.items():
            found.setdefault(first, []).append(f"(?P<{name}>{'|'.join(these)})")
    return {first: re.compile("|".join(groups)) for first, groups in found.items()}


_OF = _by_first_syllable()


def concept(written: str) -> str | None:
    """The concept a Korean word begins with, where it has one; the sign keeps it apart from any word."""
    spellings = _OF.get(written[0])
    found = spellings.match(written) if spellings else None
    return f"={found.lastgroup}" if found else None
