import json
import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccos.domain.prompt import Answer, Grounds, Prompt, Turn
from ccos.domain.tier import Task
from ccos.domain.verdict import Veto
from ccos.quality import Gate, checks
from ccos.quality.reading import Reading
from ccos.quality.vetoes import OPEN_CHAT
from support.judging import GATE, judge, kinds, passage, prompt, ticket

REPLY: dict[str, Any] = {
    "type": "object",
    "required": ["reply"],
    "additionalProperties": False,
    "properties": {"reply": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}},
}
QUERIES: dict[str, Any] = {
    "type": "object",
    "required": ["queries"],
    "properties": {"queries": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
}
GOOD = "안녕하세요, 고객님. 문의하신 문제는 설정 메뉴에서 알림을 켜시면 해결됩니다. 확인 부탁드립니다. 감사합니다."


def test_a_good_reply_has_no_veto_and_the_baselines_score() -> None:
    verdict = judge(GOOD)
    assert (verdict.vetoes, verdict.quality, verdict.scorer) == ((), 1.0, "heuristic-baseline")
    assert verdict.text == GOOD and verdict.payload is None
    assert verdict.accepts(0.8)


def test_a_veto_overrules_the_score() -> None:
    verdict = judge(GOOD + " 전액 환불해 드리겠습니다.")
    assert verdict.quality == 1.0
    assert not verdict.accepts(0.0)


def test_the_gravest_veto_comes_first() -> None:
    text = "환불해 드리겠습니다 [7]. 주민번호 900101-1234568, 99,000원."
    assert kinds(text)[0] == "pii"
    assert set(kinds(text)) == {"pii", "commitment", "unsupported", "citation"}


class TestJson:
    asked = prompt(schema=REPLY)

    def test_the_reply_is_the_text_and_the_object_the_payload(self) -> None:
        body = {"reply": GOOD, "tags": ["알림"]}
        verdict = judge(f"```json\n{json.dumps(body)}\n```", self.asked)
        assert (verdict.text, verdict.payload, verdict.vetoes) == (GOOD, body, ())

    def test_spans_count_in_the_reply(self) -> None:
        verdict = judge(json.dumps({"reply": "네. 010-9999-8888입니다."}), self.asked)
        (veto,) = verdict.vetoes
        assert veto.span is not None
        assert verdict.text[slice(*veto.span)] == "010-9999-8888"

    @pytest.mark.parametrize(
        "text", ["안녕하세요.", "{}", '{"reply": 1}', '{"reply": "네", "more": 1}', '["네"]']
    )
    def test_another_shape_is_refused_with_a_repair(self, text: str) -> None:
        verdict = judge(text, self.asked)
        assert [(veto.kind, veto.remedy) for veto in verdict.vetoes] == [("schema", "repair")]
        assert (verdict.quality, verdict.payload, verdict.text) == (0.0, None, text)

    def test_cut_off_json_says_both(self) -> None:
        assert kinds('{"reply": "안녕', self.asked, finish="length") == ["schema", "truncated"]

    def test_an_empty_reply_is_empty(self) -> None:
        assert kinds('{"reply": " "}', self.asked) == ["empty"]
        assert kinds("", self.asked) == ["empty"]

    def test_without_a_reply_the_words_inside_are_judged_and_shown_compactly(self) -> None:
        schema = {"type": "object", "properties": {"points": {"type": "array"}}}
        asked = prompt(passage("3일 걸립니다"), task=Task.KB_SYNTHESIS, schema=schema)
        good = judge('{ "points": [ {"n": 17, "text": "3일 걸립니다"} ] }', asked)
        assert good.vetoes == () and good.text == '{"points":[{"n":17,"text":"3일 걸립니다"}]}'
        bad = judge('{"points": [{"n": 1, "text": "9일 걸립니다"}]}', asked)
        assert [(veto.kind, veto.span) for veto in bad.vetoes] == [("unsupported", None)]

    def test_what_cannot_be_stored_never_leaves_the_gate(self) -> None:
        verdict = judge('{"reply": "안녕\\ud800하세요.\\u0000"}', self.asked)
        assert verdict.text == "안녕하세요."
        assert verdict.payload == {"reply": "안녕하세요."}
        assert judge("안녕\0하세요.\ud800").text == "안녕하세요."


FACTS = {
    "type": "object",
    "properties": {"facts": {"type": "array", "items": {"type": "object"}}},
    "required": ["facts"],
}


class TestFacts:
    asked = prompt(passage("환불은 3영업일 안에 카드로 처리됩니다."), task=Task.KB_SYNTHESIS, schema=FACTS)

    @pytest.mark.parametrize(
        ("facts", "quality"),
        [
            ([("환불은 3영업일 안에 처리됩니다", 1)], 1.0),
            ([("환불은 3영업일 안에 처리됩니다", 1), ("매장에서 포장해 드립니다", 1)], 0.5),
            ([("환불은 3영업일 안에 처리됩니다", 2)], 0.0),
            ([], 1.0),
        ],
    )
    def test_the_share_of_facts_that_stand_in_the_passage_they_name(self, facts, quality) -> None:
        listed = [{"text": text, "n": n} for text, n in facts]
        verdict = judge(json.dumps({"facts": listed}), self.asked)
        assert (verdict.quality, verdict.scorer, verdict.vetoes) == (quality, "support-check", ())

    def test_a_figure_no_passage_has_is_vetoed(self) -> None:
        listed = [{"text": "환불은 9영업일 안에 처리됩니다", "n": 1}]
        assert kinds(json.dumps({"facts": listed}), self.asked) == ["unsupported"]


class TestForm:
    asked = prompt(asked="아이폰에서 알림이 오지 않아요", task=Task.QUERY_BUILDER, schema=QUERIES)

    @pytest.mark.parametrize(
        ("queries", "quality"),
        [
            (["알림 설정", "아이폰 푸시"], 1.0),
            (["알림 설정", "배송 조회"], 0.5),
            (["배송 조회"], 0.0),
            (["", "알림"], 1.0),
        ],
    )
    def test_the_share_of_queries_about_the_ticket(self, queries: list[str], quality: float) -> None:
        verdict = judge(json.dumps({"queries": queries}), self.asked)
        assert (verdict.quality, verdict.scorer, verdict.vetoes) == (quality, "form-check", ())

    def test_queries_as_lines(self) -> None:
        asked = prompt(asked="Push notifications fail", task=Task.QUERY_BUILDER)
        assert judge("push notification settings\nshipping", asked).quality == 0.5

    def test_only_form_is_vetoed(self) -> None:
        asked = prompt(asked="알림", task=Task.TRIAGE)
        assert kinds("환불해 드리겠습니다 99,000원 [4]", asked) == []
        assert judge("환불해 드리겠습니다 99,000원 [4]", asked).quality == 1.0
        assert kinds("", asked) == ["empty"]
        assert kinds("<|im_start|>알림", asked) == ["leak"]
        assert kinds("배송 조회 방법\n" * 9, asked) == ["looping"]


class _Odd:
    name = "odd"

    def __init__(self, value: float) -> None:
        self.value = value

    def score(self, reading: Reading, vetoes: Sequence[Veto]) -> tuple[float, tuple[tuple[str, float], ...]]:
        return self.value, (("all", self.value),)


@pytest.mark.parametrize(("value", "quality"), [(0.4, 0.4), (-1, 0), (7, 1), (math.nan, 0), (math.inf, 0)])
def test_any_scorer_fits_and_quality_stays_in_bounds(value: float, quality: float) -> None:
    verdict = Gate(_Odd(value)).judge(prompt(), Answer(GOOD, "test", "test"))
    assert (verdict.quality, verdict.scorer) == (quality, "odd")


def test_an_open_chat_is_not_measured_by_sources_it_does_not_have() -> None:
    asked = Prompt(Task.SOLUTION_DRAFT, "", (Turn("user", "How far is the moon?"),), Grounds(language="ko"))
    answer = Answer("It is about 384,400 km away.", "test", "test")
    assert [veto.kind for veto in GATE.judge(asked, answer).vetoes] != []
    assert Gate(vetoes=OPEN_CHAT).judge(asked, answer).vetoes == ()


def test_without_a_ticket_the_turns_are_the_source() -> None:
    asked = Prompt(Task.SOLUTION_DRAFT, "", (Turn("user", "주문 20261103-12345를 확인해 주세요"),))
    assert kinds("주문 20261103-12345를 확인했습니다.", asked) == []
    assert kinds("주문 20261103-99999를 확인했습니다.", asked) == ["unsupported"]


def test_an_endless_answer_is_refused_without_being_read() -> None:
    verdict = judge("안녕하세요. " * 100_000)
    assert [veto.kind for veto in verdict.vetoes] == ["too_long"]
    assert len(verdict.text) == 100_000


BITS = st.sampled_from(
    [
        "환불", "해 드리겠습니다", "010-", "1234", "900101", "-1", "3만", "5천원", "2026", "년 ", "13월", "일", "[1", "]", "{", "}",
        "```", "<|", "\u1112\u1161", "\ud800", "\0", "０", "①", "https://", "a@b", ".com", "을", "안녕하세요. ", "I have ", "refunded",
        "as an ai", "½", "٣", "²", "\u200b", "\u0301", "İ", "ß", "1/2", "0:99", "99:99", "1~", "억 ", ",,,", "...", "\n",
    ]
)  # fmt: skip
HOSTILE = st.lists(BITS | st.text(max_size=6), max_size=25).map("".join)


@settings(max_examples=300, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE, st.sampled_from(Task), st.booleans(), st.sampled_from(["ko", "en"]))
def test_nothing_makes_it_raise_and_every_span_is_inside(
    text: str, asked_for: str, snippet: str, task: Task, as_json: bool, language: Any
) -> None:
    asked = prompt(
        passage(snippet), passage(snippet, n=2, internal=True),
        asked=asked_for, task=task, system=snippet, schema=REPLY if as_json else None, language=language,
        banned_phrases=(snippet,),
    )  # fmt: skip
    raw = json.dumps({"reply": text}) if as_json else text
    verdict = judge(raw, asked)
    assert 0 <= verdict.quality <= 1
    verdict.text.encode()
    for veto in verdict.vetoes:
        if veto.span is not None:
            start, end = veto.span
            assert 0 <= start < end <= len(verdict.text)
    assert all(check.detail for check in checks(verdict, asked))


@pytest.mark.parametrize(
    "piece",
    ["1", "1-", "1,", "가 ", "a@", "환불 ", "3만 ", "{{a ", "\u0301", "\u1161", "010-1234-567", "서울 강남구 ", "http://", "\n", " ",
     "900101-", "1~", "your "],
)  # fmt: skip
def test_long_runs_of_anything_are_judged(piece: str) -> None:
    text = (piece * 20_000)[:20_000] + " 끝."
    asked = prompt(
        passage(text),
        passage(text, n=2, internal=True),
        asked=text,
        system=text,
        reply_max_characters=200_000,
    )
    assert judge(text, asked).text == text


class TestChecks:
    def test_every_question_is_answered_in_words(self) -> None:
        asked = prompt()
        found = checks(judge(GOOD, asked), asked)
        assert all(check.passed for check in found)
        assert {check.name for check in found} >= {
            "complete",
            "private",
            "facts",
            "commitments",
            "language",
            "quotes",
        }

    def test_what_failed_comes_with_its_place(self) -> None:
        asked = prompt()
        text = GOOD + " 99,000원입니다."
        failed = [check for check in checks(judge(text, asked), asked) if not check.passed]
        assert [check.name for check in failed] == ["facts"]
        assert failed[0].span is not None and text[slice(*failed[0].span)] == "99,000원"
        assert (failed[0].code, failed[0].facts) == ("veto.unsupported", {"said": "99,000원"})

    def test_what_failed_is_quoted_shortly_and_personal_data_is_not(self) -> None:
        asked = prompt()
        failed = {
            c.code: c
            for c in checks(judge(f"{GOOD} {'https://a.example/' + 'a' * 90} 입니다.", asked), asked)
        }
        said = failed["veto.unsupported"].facts["said"]
        assert isinstance(said, str) and len(said) == 60 and said.endswith("…")
        failed = {c.code: c for c in checks(judge(f"{GOOD} 연락처는 010-9876-5432입니다.", asked), asked)}
        assert failed["veto.pii"].facts == {}

    def test_mixed_speech_levels_are_bad_manners(self) -> None:
        asked = prompt()
        verdict = judge("확인했습니다. 설정에서 켜면 돼요.", asked)
        assert [check.name for check in checks(verdict, asked) if not check.passed] == ["manners"]

    def test_an_answer_that_could_not_be_read_was_asked_nothing_else(self) -> None:
        asked = prompt(schema=REPLY)
        assert [(check.name, check.passed) for check in checks(judge("네.", asked), asked)] == [
            ("shape", False)
        ]
        good = checks(judge('{"reply": "네, 확인했습니다."}', asked), asked)
        assert good[0].name == "shape" and good[0].passed

    def test_form_tasks_have_form_checks(self) -> None:
        asked = prompt(asked=ticket("알림"), task=Task.TRIAGE)
        assert [check.name for check in checks(judge("알림", asked), asked)] == ["complete", "clean"]
