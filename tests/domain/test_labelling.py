import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccos.domain.labelling import LIGHT, Rated, changed_share, core, edit_distance, rate

REPLY = (
    "안녕하세요, 김민수 고객님. 문의해 주셔서 감사합니다. 환불은 상품을 회수한 뒤 3영업일 안에 처리됩니다 [1]. "
    "카드사에 따라 며칠이 더 걸릴 수 있습니다. 추가로 궁금하신 점은 언제든지 문의해 주세요. 감사합니다."
)


def by_the_book(one, other):
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return row[-1]


@given(st.text("가나다abc", max_size=80), st.text("가나다abc", max_size=80))
def test_the_distance_is_levenshteins(one, other):
    assert edit_distance(one, other) == by_the_book(one, other) == edit_distance(other, one)


def test_approving_is_good_and_rejecting_is_not_whatever_was_sent():
    assert rate("approved", REPLY, None).good and rate("approved", REPLY, "anything").worth == 1
    assert not rate("rejected", REPLY, REPLY).good


def test_an_edit_of_the_fields_alone_leaves_a_good_reply():
    assert rate("edited", REPLY, None).rated is Rated.APPROVED


def test_another_greeting_and_closing_are_no_edit():
    sent = "김민수 고객님, 반갑습니다. 환불은 상품을 회수한 뒤 3영업일 안에 처리됩니다. 카드사에 따라 며칠이 더 걸릴 수 있습니다. 좋은 하루 보내세요!"
    made = rate("edited", REPLY, sent)
    assert (made.rated, made.worth) == (Rated.LIGHTLY_EDITED, 1.0)


def test_a_word_changed_is_a_light_edit_and_another_text_is_a_rewrite():
    light = rate("edited", REPLY, REPLY.replace("3영업일", "5영업일"))
    assert light.rated is Rated.LIGHTLY_EDITED and LIGHT < light.worth < 1
    heavy = rate(
        "edited", REPLY, "죄송하지만 이 상품은 환불이 되지 않습니다. 교환만 가능하니 양해 부탁드립니다."
    )
    assert heavy.rated is Rated.REWRITTEN and heavy.worth < LIGHT and not heavy.good


@pytest.mark.parametrize(("changed", "good"), [(20, True), (21, False)])
def test_a_fifth_of_the_characters_is_the_bound(changed, good):
    reply = "가" * 100
    made = rate("edited", reply, "나" * changed + reply[changed:])
    assert changed_share(reply, "나" * changed + reply[changed:]) == changed / 100
    assert made.good is good


def test_what_is_said_in_the_same_breath_as_a_greeting_is_kept():
    long = "안녕하세요, 주문하신 상품은 재고 부족으로 취소되었고 결제하신 금액은 내일까지 카드로 모두 환불될 예정이니 참고해 주세요."
    assert core(long) == long
    assert (
        core("Hi Minsu, thanks. Your refund is on its way. Best regards, Ann") == "Your refund is on its way."
    )


def test_a_reply_of_greetings_only_is_compared_as_it_is():
    assert core("감사합니다.") == "감사합니다." and changed_share("", "") == 0.0
    assert rate("edited", "", "새 답변입니다.").worth == 0.0
