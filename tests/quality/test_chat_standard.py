"""A chat over /v1 is judged by its form: nothing is known of what it should have said."""

from __future__ import annotations

import pytest

from ccos.domain.prompt import Answer, FinishReason, Grounds, Language, Prompt, Turn
from ccos.domain.tenant import TenantSettings
from ccos.domain.tier import REQUIRED_QUALITY, Task
from ccos.domain.verdict import Verdict
from ccos.providers.rules import RuleBased
from ccos.quality import Gate, checks

ASKED = {
    "ko": "배송이 언제쯤 도착하는지 자세히 알려 주실 수 있나요?",
    "en": "Could you tell me when my parcel will be delivered, please?",
}
ANSWERED = {
    "ko": "주문하신 상품은 보통 결제하신 날부터 이틀 안에 출고되며, 그 다음 날 도착합니다.",
    "en": "Your parcel usually leaves us within two days of payment, and it arrives the day after.",
}
TABLE = "| name | value |\n|---|---|\n" + "".join(
    f"| row {n} | {n * 7} and more of it |\n" for n in range(40)
)
CODE = "```python\ndef f(x):\n    if x:\n        return None\n    if not x:\n        return None\n    return None\n```"


def judged(
    text: str,
    *,
    asked: str = ASKED["ko"],
    system: str = "",
    finish: FinishReason = "stop",
    tokens_out: int = 50,
    max_tokens: int = 800,
    banned: tuple[str, ...] = (),
    approved: tuple[str, ...] = (),
    language: Language = "ko",
) -> Verdict:
    grounds = Grounds(language=language, settings=TenantSettings(banned_phrases=banned))
    prompt = Prompt(Task.CHAT, system, (Turn("user", asked),), grounds, max_tokens=max_tokens)
    answer = Answer(
        text,
        "p",
        "m",
        tokens_out=tokens_out,
        finish_reason=finish,
        usage_reported=True,
        approved=approved,
    )
    return Gate().judge(prompt, answer)


def kinds(verdict: Verdict) -> list[str]:
    return [veto.kind for veto in verdict.vetoes]


BAR = REQUIRED_QUALITY[Task.CHAT]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_plain_answer_passes_and_says_who_measured_it(language: Language):
    verdict = judged(ANSWERED[language], asked=ASKED[language], language=language)
    assert verdict.accepts(BAR) and verdict.quality == 1.0 and verdict.scorer == "chat-check"


@pytest.mark.parametrize(
    "text",
    [
        "4",
        "네",
        CODE,
        TABLE,
        "1. one\n2. two",
        '{"a": 1}',
        "a,b,c\n1,2,3\n",
        "Q" * 15,
    ],
    ids=["digit", "word", "code", "table", "list", "json", "csv", "short run"],
)
def test_what_a_chat_may_say(text: str):
    verdict = judged(text, asked="?")
    assert verdict.accepts(BAR), verdict.vetoes


def test_a_long_answer_is_not_held_to_the_length_of_a_reply():
    text = "\n".join(" ".join(f"w{(n * 31 + k * k) % 997}" for k in range(12)) + "." for n in range(120))
    assert len(text) > TenantSettings().reply_max_characters
    assert judged(text, asked="?").accepts(BAR)


@pytest.mark.parametrize("text", ["", "  \n", "...", "\u200b"])
def test_an_answer_without_words_is_empty(text: str):
    verdict = judged(text)
    assert kinds(verdict) == ["empty"] and verdict.quality == 0.0


def test_a_limit_the_caller_asked_for_is_no_fault_and_a_model_s_own_is():
    assert judged("The capital is", asked="?", finish="length", tokens_out=5, max_tokens=5).accepts(BAR)
    cut = judged("The capital is", asked="?", finish="length", tokens_out=800, max_tokens=4_000)
    assert kinds(cut) == ["truncated"]


@pytest.mark.parametrize(
    "text",
    [
        "```python\nprint(1)\n",
        "It depends on many things, among them the weather and",
        "배송은 보통 이틀 안에 출고되고 그 다음 날 도착하지만 제주 지역은 하루가 더 걸리며 도서 산간의",
    ],
)
def test_an_answer_that_stops_in_the_middle_is_truncated(text: str):
    assert "truncated" in kinds(judged(text, asked="?"))


def test_going_round_in_circles_is_seen():
    assert "looping" in kinds(judged("배송은 이틀 걸립니다. " * 30))


def test_the_company_s_banned_phrases_hold_here_too():
    assert kinds(judged("100% 환불 보장해 드립니다.", banned=("환불 보장",))) == ["banned"]


@pytest.mark.parametrize(("asked", "answered"), [("ko", "en"), ("en", "ko")])
def test_the_other_language_is_worth_less_than_is_asked_for(asked: str, answered: str):
    verdict = judged(ANSWERED[answered], asked=ASKED[asked])
    assert not verdict.vetoes and verdict.quality == 0.5 and not verdict.accepts(BAR)


@pytest.mark.parametrize(
    ("asked", "system"),
    [
        (f"다음을 영어로 번역해 주세요: {ASKED['ko']}", ""),
        (ASKED["ko"], "Always answer in English."),
        ("환불?", ""),
        ("```\n이것은 코드 안의 긴 한국어 주석입니다. 답은 아무 언어나 됩니다.\n``` ok?", ""),
    ],
    ids=["translation", "instructed", "too short to tell", "code"],
)
def test_where_the_language_is_free_or_unclear_nothing_is_held_against_it(asked: str, system: str):
    assert judged(ANSWERED["en"], asked=asked, system=system).quality == 1.0


def test_instructions_may_be_quoted_since_they_are_the_caller_s_own():
    passage = "Parcels leave the warehouse within two days and arrive on the third day at the latest."
    assert judged(passage, asked="When does it arrive?", system=f"Answer from: {passage}").accepts(BAR)


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_the_rules_say_that_nobody_can_answer_now_and_do_not_pass_for_an_answer(language: Language):
    prompt = Prompt(Task.CHAT, "", (Turn("user", ASKED[language]),), Grounds(language=language))
    answer = await RuleBased().answer(prompt, seconds=1)
    verdict = Gate().judge(prompt, answer)
    assert not verdict.vetoes and verdict.quality == 0.4 and not verdict.accepts(BAR)
    assert ("담당자" in answer.text) is (language == "ko") and ("a person" in answer.text) is (
        language == "en"
    )


async def test_with_a_schema_the_rules_still_say_it_and_the_gate_sees_that_it_is_no_object():
    prompt = Prompt(Task.CHAT, "", (Turn("user", "?"),), schema={"type": "object"})
    verdict = Gate().judge(prompt, await RuleBased().answer(prompt, seconds=1))
    assert kinds(verdict) == ["schema"] and verdict.payload is None and verdict.text


@pytest.mark.parametrize("text", ["{}", '{"count": 3, "open": true}', '{"found": []}'])
def test_an_object_without_words_is_an_answer_where_it_fits(text: str):
    answer = Answer(text, "p", "m", tokens_out=2, finish_reason="stop", usage_reported=True)
    fits = Prompt(Task.CHAT, "", (Turn("user", "?"),), schema={"type": "object"})
    verdict = Gate().judge(fits, answer)
    assert verdict.accepts(BAR) and verdict.payload is not None and verdict.scorer == "chat-check"
    lacks = Prompt(Task.CHAT, "", (Turn("user", "?"),), schema={"type": "object", "required": ["name"]})
    assert kinds(Gate().judge(lacks, answer)) == ["schema"]


def test_an_object_whose_words_are_empty_is_none():
    prompt = Prompt(Task.CHAT, "", (Turn("user", "?"),), schema={"type": "object"})
    assert kinds(Gate().judge(prompt, Answer('{"answer": ""}', "p", "m"))) == ["empty"]


def test_checks_for_people_name_the_families():
    verdict = judged(ANSWERED["ko"])
    prompt = Prompt(Task.CHAT, "", (Turn("user", ASKED["ko"]),))
    assert {check.name for check in checks(verdict, prompt)} == {"complete", "house rules"}
