"""Places, papers and means that an answer sends the customer to, and that nobody named.

Whoever makes up a step makes up an office, a certificate or a button for it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ccos.quality.features.sources import Source
from ccos.quality.features.support import Said

_NAMES = re.compile(
    # places and people
    r"창구|지점|매장|점포|대리점|주민센터|구청|시청|관공서|세무서|경찰서|법원|대사관|은행|우체국|편의점|병원|약국"
    r"|관리사무소|보관함|키오스크|택배사|카드사|통신사|항공사|제조사|보험사|서비스센터|고객센터|콜센터|기사"
    # papers
    r"|신분증|주민등록|등본|초본|여권|면허증|인감|확인서|증명서|동의서|신청서|계약서|위임장|각서|견적서|서류|영수증"
    r"|진단서|사업자등록증|통장|서명|공증"
    # means
    r"|팩스|등기|우편|메일|전화|문자|채팅|게시판|방문|앱|홈페이지|사이트|브라우저|프로그램|메뉴|버튼|화면|링크|설정"
    r"|캐시|계좌|비밀번호|인증|바코드|일련번호|스티커|라벨|캡처|녹음|동영상|사진"
    r"|\b(?:branch|counter|store|office|kiosk|bank|courier|carrier|manufacturer|police|notar\w+"
    r"|passport|licen[cs]e|certificate|affidavit|letter|form|receipt|invoice|statement|signature"
    r"|fax|post|e-?mail|phone|call|text|chat|app|website|browser|menu|button|tab|link|settings|cache"
    r"|password|barcode|serial number|sticker|label|screenshot|recording|video|photos?)\b"
)


def unnamed(said: Sequence[Said], asked: Source, passages: Sequence[Source]) -> dict[str, float]:
    """How many of them are new, outside courtesies."""
    named = {name for one in said if one.claims for name in _NAMES.findall(one.sentence.text)}
    return {
        "unnamed_means": math.log1p(
            sum(name not in asked.text and all(name not in each.text for each in passages) for name in named)
        )
    }
