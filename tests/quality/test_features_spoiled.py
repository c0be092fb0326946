"""What gives away a draft that was spoiled in one place, and the near misses that must not."""

from __future__ import annotations

import pytest

from ccos.domain.prompt import Answer
from ccos.quality.features import measure
from ccos.quality.reading import Reading
from support.judging import passage, prompt

RULE = (
    "받으신 사은품은 돌려주셔야 합니다. 포장을 뜯은 상품은 반품하실 수 없습니다. 골드 등급이면 배송비가 무료입니다. "
    "교환비는 4,000원이며 앱에서 신청하시면 보통 이틀 안에 가져갑니다."
)


def features(text, rule=RULE, asked="반품하려는데 사은품은 어떻게 하나요?", language="ko"):
    under = prompt(passage(rule), asked=asked, language=language)
    return measure(Reading(text, under, Answer(text, "test", "test")), ())


@pytest.mark.parametrize(
    "said",
    [
        "받으신 사은품은 돌려주지 않으셔도 됩니다.",
        "받으신 사은품은 돌려주실 필요가 없습니다.",
        "포장을 뜯은 상품은 반품하실 수 있습니다.",
    ],
)
def test_a_verb_that_says_the_opposite_of_itself_is_turned(said):
    assert features(said)["turned"] > 0.2


@pytest.mark.parametrize(
    "said",
    [
        "받으신 사은품은 돌려주셔야 해요.",
        "포장을 뜯은 상품은 반품이 안 됩니다.",
        "포장을 뜯은 상품은 반품이 어렵습니다.",
        "사은품을 돌려주지 않으시면 연락드립니다.",  # a condition says nothing by itself
        "받으신 사은품은 잘 쓰실 수 있습니다.",  # another verb
    ],
)
def test_a_verb_that_says_the_same_or_stands_in_a_condition_is_not(said):
    assert features(said)["turned"] == 0


def test_a_verb_is_held_against_its_nearest_use():
    rule = "일반 상품은 반품하실 수 있습니다. 속옷은 반품하실 수 없습니다."
    assert features("속옷은 반품하실 수 없습니다.", rule)["turned"] == 0
    assert features("속옷은 반품하실 수 있습니다.", rule)["turned"] > 0


def test_stems_of_one_syllable_are_verbs_too():
    rule = "불량인 상품은 배송비를 환불 금액에서 빼지 않습니다."
    assert features("불량인 상품은 배송비를 환불 금액에서 뺍니다.", rule)["turned"] > 0.2
    assert features("불량인 상품은 배송비를 환불 금액에서 빼지 않아요.", rule)["turned"] == 0


def test_also_opens_what_is_closed():
    rule = "간이영수증은 발급하지 않습니다."
    assert features("간이영수증도 발급됩니다.", rule)["turned_also"] == 1
    assert features("간이영수증도 발급하지 않습니다.", rule)["turned_also"] == 0
    assert features("간이영수증도 발급된다면 좋겠습니다만, 어렵습니다.", rule)["turned_also"] == 0


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("골드 등급이 아니어도 배송비가 무료입니다.", "widens"),
        ("등급과 관계없이 배송비가 무료입니다.", "widens_always"),
        ("실버 등급도 배송비가 무료입니다.", "widens_also"),
    ],
)
def test_a_rule_without_its_bound_is_widened(said, name):
    assert features(said)[name] > 0 and features(said)["widens"] > 0


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("골드 등급이면 배송비가 무료입니다.", RULE),
        ("구매일과 상관없이 새 책으로 바꾸어 드립니다.", "구매일과 관계없이 새 책으로 교환해 드립니다."),
        ("사진은 보내지 않아도 됩니다.", "사진은 보내지 마세요."),  # a permission is no wider rule
    ],
)
def test_a_rule_that_keeps_its_bound_or_has_none_is_not(said, rule):
    assert features(said, rule)["widens"] == 0


def test_a_bound_makes_it_worse():
    said = "등급과 관계없이 배송비가 무료입니다."
    bound = features(said, "골드 등급이면 배송비가 무료입니다.")["widens_always"]
    unbound = features(said, "골드 등급은 배송비가 무료입니다.")["widens_always"]
    assert bound > unbound > 0


def test_offices_and_papers_nobody_named_are_counted():
    made_up = features("가까운 우체국에서 확인서를 받아 팩스로 보내 주셔야 처리됩니다.")
    assert (
        made_up["unnamed_means"] > features("앱에서 신청하시면 이틀 안에 가져갑니다.")["unnamed_means"] == 0
    )


def test_what_the_customer_named_is_no_invention():
    said = "우체국에 두신 상자는 이틀 안에 가져갑니다."
    assert features(said, asked="우체국에 맡겼는데 언제 가져가나요?")["unnamed_means"] == 0
    assert features(said)["unnamed_means"] > 0


def test_a_sum_that_was_asked_for_and_is_known_must_be_claimed():
    asked = "교환비가 얼마인지, 언제 가져가는지 알려 주세요."
    half = features("교환 상품은 앱에서 신청하시면 이틀 안에 가져갑니다.", asked=asked)
    whole = features("교환비는 4,000원이고 앱에서 신청하시면 이틀 안에 가져갑니다.", asked=asked)
    assert half["money_left"] == 1 == half["kinds_left"]
    assert whole["money_left"] == whole["kinds_left"] == 0


def test_what_the_evidence_does_not_know_is_not_left_out():
    asked = "설치비가 얼마인가요?"
    assert features("설치는 기사가 방문합니다.", "설치는 기사가 방문합니다.", asked)["kinds_left"] == 0


def test_how_long_it_takes_is_no_question_for_money():
    assert features("이틀 안에 가져갑니다.", asked="얼마나 걸리나요?")["money_left"] == 0


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("그건 안내문을 제대로 읽지 않은 고객님 탓입니다.", "reproach"),
        ("같은 문의는 이제 그만하시기 바랍니다.", "reproach"),
        ("계속 전화하지 마세요.", "forbids"),
        ("저희가 왜 그 비용을 내야 하나요?", "rhetorical"),
        ("요새는 이런 분이 참 많습니다.", "remark"),
    ],
)
def test_a_rude_sentence_is_seen(said, name):
    assert features(said)[name] > 0


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("불편을 드려 정말 죄송합니다.", "reproach"),
        ("포장을 뜯은 상품은 반품하실 수 없습니다.", "reproach"),
        ("주문번호를 알려 주시겠습니까?", "rhetorical"),
        ("언제 받으셨는지 말씀해 주시겠어요?", "rhetorical"),
        ("기다리시게 해서 마음이 무겁고 안타깝습니다.", "remark"),
    ],
)
def test_a_kind_or_strict_sentence_is_not_rude(said, name):
    assert features(said)[name] < 0.35


def test_what_the_rule_forbids_may_be_forbidden():
    rule = "상자는 버리지 마세요."
    assert features("상자는 버리지 마시기 바랍니다.", rule)["forbids"] == 0


def test_a_complaint_wants_a_kind_word():
    angry = "벌써 두 번째예요!! 정말 실망입니다. 어떻게 하실 건가요?"
    bare = "교환비는 4,000원입니다."
    assert features(bare, asked=angry)["cold"] > 0 == features(bare)["cold"]
    assert features("불편을 드려 죄송합니다. " + bare, asked=angry)["cold"] == 0


def test_english_drafts_are_read_likewise():
    rule = "Gold members get free delivery if the order is over 50 dollars."
    asked = "I am still waiting, this is ridiculous. How much is delivery?"
    wide = features("Delivery is free for all members regardless of the order.", rule, asked, "en")
    kept = features(
        "I am sorry for the wait. Gold members get free delivery if the order is over 50 dollars.",
        rule,
        asked,
        "en",
    )
    assert wide["widens_always"] > 0 == kept["widens_always"]
    assert wide["cold"] > 0 == kept["cold"]
    rude = features("As I already explained, you should have read the page.", rule, asked, "en")
    assert rude["reproach"] > 0 == kept["reproach"]


@pytest.mark.parametrize(
    "piece", ["가나도 ", "돌려주지 않으셔도 ", "하면 ", "왜 ", "1", "어느 가", "you're "]
)
def test_hostile_repetition_stays_bounded(piece):
    text = (piece * 20_000)[:20_000]
    assert features(text, text, text)["turned"] >= 0
