"""How decisions are counted."""

import pytest

from ccos.domain.feedback import Reason, Use, reason_of, use_of
from ccos.domain.labelling import rate

REPLY = (
    "안녕하세요, 고객님.\n교환은 상품을 받으신 날부터 7일 안에 마이페이지에서 신청하실 수 있습니다. "
    "신청하시면 기사님이 이틀 안에 찾아뵙습니다.\n감사합니다."
)


@pytest.mark.parametrize(
    ("verdict", "sent", "use"),
    [
        ("approved", None, Use.AS_IS),
        ("rejected", None, Use.REJECTED),
        ("edited", None, Use.AS_IS),  # fields alone: the reply went out as it was
        ("edited", REPLY.replace("안에 마이", "안에, 마이"), Use.AS_IS),  # a comma
        ("edited", REPLY.replace("감사합니다.", "좋은 하루 보내세요. 상담사 김하나 드림"), Use.AS_IS),
        ("edited", REPLY.replace("7일", "14일"), Use.EDITED),  # two characters of some seventy
        ("edited", "죄송하지만 교환이 어렵습니다.", Use.EDITED),
    ],
)
def test_an_edit_counts_as_one_beyond_a_fiftieth(verdict, sent, use):
    assert use_of(verdict, rate(verdict, REPLY, sent).changed) is use


def test_an_edit_of_unknown_size_is_an_edit():
    assert use_of("edited", None) is Use.EDITED
    assert use_of("edited", 0.02) is Use.AS_IS and use_of("edited", 0.0201) is Use.EDITED


def test_reasons_are_known_by_their_codes():
    assert reason_of(" Wrong_Tone ") is Reason.TONE
    assert reason_of("요금이 틀렸어요") is reason_of("") is Reason.OTHER
