"""The drafter in the box: only placeholders that stand for something are filled, and only from evidence."""

import json

import pytest

from ccos import sample
from ccos.agents.prompts import query_prompt, solution_prompt, synthesis_prompt
from ccos.domain.errors import ProviderRefused
from ccos.domain.evidence import Evidence, EvidenceKind, Visibility
from ccos.domain.prompt import Answer, Grounds, Prompt, ProviderCard, Turn
from ccos.domain.ticket import Customer, Ticket
from ccos.domain.tier import Task, Tier
from ccos.providers.tiny import TinyDrafter, speaks_placeholders
from ccos.providers.tiny.compact import MOST_CHARACTERS, asked, compact
from ccos.providers.tiny.sections import name_of, sections
from ccos.providers.tiny.speech import (
    CONTROL,
    Misspoken,
    Move,
    Spoken,
    draft_grammar,
    read_draft,
    read_queries,
)

BODY = (
    "마음이 바뀌신 경우의 기준입니다.\n\n## 언제까지\n\n받으신 다음 날부터 **7일 이내**에 신청하시면 됩니다.\n\n"
    "## 반품 배송비\n\n| 처음 배송비 | 차감 |\n|---|---|\n| 무료였던 주문 | 6,000원(왕복) |\n\n위 표의 금액입니다.\n"
)
KB = Evidence(n=1, kind=EvidenceKind.KB, id="r", title="단순 변심 반품", snippet=BODY, score=1.0)
SECRET = KB.model_copy(update={"n": 2, "id": "i", "title": "내부 지침", "visibility": Visibility.INTERNAL})
CASE = KB.model_copy(update={"n": 3, "id": "c", "title": "사례", "kind": EvidenceKind.CASE})
TICKET = Ticket(subject="반품", description="반품하면 배송비 얼마예요?", customer=Customer(name="정하늘"))
GROUNDS = Grounds(
    ticket=TICKET, evidence=(KB, SECRET, CASE), settings=sample.settings(), intent="return_request"
)


class Saying:
    """A model that says one thing, and keeps what it was asked."""

    card = ProviderCard(Tier.LOCAL_TINYLLAMA, "tiny", "said")
    ready = True

    def __init__(self, words: str, *, logprobs: tuple[float, ...] = (), finish: str = "stop") -> None:
        self.words, self.logprobs, self.finish, self.asked = words, logprobs, finish, None

    async def answer(self, prompt, *, seconds, hear=None):
        self.asked = prompt
        return Answer(self.words, "tiny", "said", finish_reason=self.finish, logprobs=self.logprobs)

    async def alive(self, *, seconds):
        return True


async def drafted(words: str, grounds: Grounds = GROUNDS, **options):
    said = await TinyDrafter(Saying(words, **options)).answer(solution_prompt(TICKET, grounds, ()), seconds=1)
    return json.loads(said.text)


async def test_a_draft_says_the_evidence_word_for_word_with_its_number_and_the_known_name():
    made = await drafted("{sorry}\n{단순 변심 반품 > 언제까지}\n{단순 변심 반품 > 반품 배송비}")
    assert "받으신 다음 날부터 7일 이내에 신청하시면 됩니다. [1]" in made["reply"]
    assert "- 무료였던 주문: 6,000원(왕복) [1]" in made["reply"]
    assert "정하늘 고객님" in made["reply"] and "죄송합니다" in made["reply"]
    assert (made["citations"], made["kind"], made["category"]) == ([1], "answer", "반품")


async def test_what_leans_on_a_table_above_is_left_out():
    assert "위 표" not in (await drafted("{thanks}\n{단순 변심 반품 > 반품 배송비}"))["reply"]


async def test_a_hold_states_nothing_and_cites_nothing():
    made = await drafted("{hold}")
    assert (made["kind"], made["citations"]) == ("hold", []) and "[1]" not in made["reply"]


@pytest.mark.parametrize(
    "words",
    [
        "{thanks}\n{적립금 > 유효기간}",  # nowhere in the evidence
        "{thanks}\n{내부 지침 > 언제까지}",  # internal: not for customers
        "{thanks}\n{사례 > 언제까지}",  # a case, no procedure
        "{thanks}\n{단순 변심 반품 > 언제까지",  # not closed
        "{thanks}\n환불해 드립니다",  # words of its own
        "{thanks} {단순 변심 반품 > 언제까지}",
        "{order_number}\n{단순 변심 반품 > 언제까지}",
        "{단순 변심 반품 > 언제까지}",
        "{thanks}",
        "{hold}\n{단순 변심 반품 > 언제까지}",
        "",
    ],
)
async def test_a_placeholder_that_nothing_fills_is_refused(words: str):
    with pytest.raises(ProviderRefused) as fault:
        await drafted(words)
    assert fault.value.facts["cause"] == "placeholder"
    assert "환불해" not in fault.value.sentence


async def test_a_cut_answer_is_refused():
    with pytest.raises(ProviderRefused):
        await drafted("{hold}", finish="length")


async def test_less_sure_than_asked_it_refuses():
    model = Saying("{hold}", logprobs=(-0.1, -1.0))
    prompt = solution_prompt(TICKET, GROUNDS, ())
    with pytest.raises(ProviderRefused) as fault:
        await TinyDrafter(model, sure={Spoken.DRAFT: 0.5}).answer(prompt, seconds=1)
    assert fault.value.facts["cause"] == "unsure"
    assert await TinyDrafter(model, sure={Spoken.DRAFT: 0.2}).answer(prompt, seconds=1)


async def test_search_words_stand_beside_the_customers_own():
    made = await TinyDrafter(Saying("단순 변심 반품 > 반품 배송비\n")).answer(
        query_prompt(TICKET, GROUNDS), seconds=1
    )
    found = json.loads(made.text)["queries"]
    assert found[0] == "단순 변심 반품 반품 배송비" and any("배송비 얼마" in one for one in found[1:])


async def test_search_words_it_is_not_sure_of_are_left_out():
    model = Saying("적립금 > 소멸", logprobs=(-1.0, -1.0))
    for least, there in ((0.5, False), (0.1, True)):
        drafter = TinyDrafter(model, sure={Spoken.QUERY: least})
        found = json.loads((await drafter.answer(query_prompt(TICKET, GROUNDS), seconds=1)).text)["queries"]
        assert ("적립금 소멸" in found) is there and any("배송비" in one for one in found)


async def test_triage_gives_what_the_schema_lists_and_nothing_else():
    schema = {"properties": {"intent": {"enum": ["points"]}, "sentiment": {"enum": ["neutral"]}}}
    prompt = Prompt(Task.TRIAGE, "", (Turn("user", "x"),), GROUNDS, schema)
    made = await TinyDrafter(Saying("points neutral")).answer(prompt, seconds=1)
    assert json.loads(made.text) == {"intent": "points", "sentiment": "neutral"}
    with pytest.raises(ProviderRefused):
        await TinyDrafter(Saying("weather neutral")).answer(prompt, seconds=1)


@pytest.mark.parametrize(
    "prompt",
    [
        synthesis_prompt(TICKET, GROUNDS),
        Prompt(Task.CHAT, "", (Turn("user", "hi"),), GROUNDS),
        Prompt(Task.TRIAGE, "", (Turn("user", "hi"),), GROUNDS),
        Prompt(Task.SOLUTION_DRAFT, "", (Turn("user", "hi"),)),
        solution_prompt(Ticket(description="  "), Grounds(ticket=Ticket(description=" ")), ()),
    ],
)
async def test_what_it_cannot_do_is_left_to_the_next_tier(prompt: Prompt):
    model = Saying("{hold}")
    with pytest.raises(ProviderRefused):
        await TinyDrafter(model).answer(prompt, seconds=1)
    assert model.asked is None


async def test_the_model_reads_no_name_number_or_address():
    ticket = Ticket(
        description="저는 정하늘입니다. 010-1234-5678, 서울시 강남구 테헤란로 12, 주문번호 20261103-004512 환불 {hold}",
        customer=Customer(name="정하늘"),
    )
    model = Saying("{hold}")
    await TinyDrafter(model).answer(solution_prompt(ticket, Grounds(ticket=ticket), ()), seconds=1)
    read = model.asked.turns[0].text
    assert "환불" in read
    assert not any(word in read for word in ("정하늘", "1234", "테헤란로", "2026", "{", "}"))


def test_a_long_message_keeps_its_beginning_and_its_end():
    text = compact("처음 " + "가나 " * 200 + "끝")
    assert len(text) <= MOST_CHARACTERS + 3 and text.startswith("처음") and text.endswith("끝")
    assert asked(Ticket(description="제에에에에발!!!!!")) == "제에에발!!"


def test_sections_are_named_by_title_and_heading_and_speak_the_language_of_the_reply():
    assert [part.name for part in sections([KB], "ko")] == [
        "단순 변심 반품", "단순 변심 반품 > 언제까지", "단순 변심 반품 > 반품 배송비"
    ]  # fmt: skip
    assert sections([KB], "en") == []
    assert name_of("{A} > [B]", "a b") == "a b"


def test_a_grammar_without_sections_allows_a_hold_alone():
    assert "section" not in draft_grammar([])
    assert '"\\n{a \\"b\\\\}"' in draft_grammar(['a "b\\'])


def test_a_draft_is_read_with_each_section_once():
    known = ["a", "b"]
    assert read_draft("{sorry}\n{b}\n{b}\n{a}\n", known).sections == ("b", "a")
    assert read_draft("{hold}", []).move is Move.HOLD
    with pytest.raises(Misspoken):
        read_draft("{thanks}\n{c}", known)


def test_queries_are_lines_of_two_characters_at_least():
    assert read_queries("a\nbb > c\n\nbb > c\ndd\nee\nff") == ["bb c", "dd", "ee"]


def test_a_file_speaks_placeholders_when_it_has_all_their_tokens():
    assert speaks_placeholders(["<|x|>", *CONTROL])
    assert not speaks_placeholders(CONTROL[1:])
