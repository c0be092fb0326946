"""What an adapter learns from: what people sent, asked as the product asks, about nobody."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from ccos.agents.prompts import solution_prompt
from ccos.domain.draft import Draft, DraftState, FieldChange
from ccos.domain.errors import BadInput
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.tenant import Category, TenantSettings
from ccos.domain.ticket import Customer, Message, Ticket
from ccos.domain.tier import Tier
from ccos.learning.labelled import LabelledAnswer
from ccos.learning.lora.preparing import Preparing, target
from ccos.quality.pii import find
from ccos.store.decisions import Decision

SETTINGS = TenantSettings(
    company={"ko": "온담상점"},
    categories=(Category(name="반품"), Category(name="배송")),
    tags=("반품", "vip"),
)
REPLY = "안녕하세요, 고객님. 반품은 수령 후 7일 이내에 신청하실 수 있습니다. [1]"
SENT = "반갑습니다. 수령 후 7일 안에 반품하실 수 있습니다. [1] [2] [1]"


def preparing() -> Preparing:
    return Preparing(lambda ticket, grounds: solution_prompt(ticket, grounds, ()))


def ticket(**more) -> Ticket:
    return Ticket(**{"subject": "반품", "description": "언제까지 되나요?", **more})


def draft(ticket_id: str = "t-1", **changes) -> Draft:
    passage = Evidence(n=1, kind=EvidenceKind.KB, id="r", title="반품 안내", snippet="수령 후 7일", score=1.0)
    made = Draft(
        id="d", ticket_id=ticket_id, state=DraftState.READY, tier=Tier.LOCAL_MINIMAX, model="m", scorer="s",
        reply=REPLY, evidence=(passage,), triage={"language": "ko"}, created_at=datetime(2026, 11, 2, tzinfo=UTC),
    )  # fmt: skip
    return made.model_copy(update=changes)


def decision(verdict: str, text: str | None = None, **fields) -> Decision:
    return Decision(uuid4(), uuid4(), verdict, text, fields, "", None, datetime.now(UTC), "agent")


def made_of(*decided, least=1):
    prepared = preparing()
    for one in decided:
        prepared.decided(*one)
    found = prepared.prepared(least=least)
    return found, [*found.taught, *found.held]


def one(verdict="approved", text=None, made=DraftState.READY, asked=None, of=None, **fields):
    return (asked or ticket(), of or draft(), made, decision(verdict, text, **fields), SETTINGS)


def others(count=12):
    return [
        one(of=draft(f"other-{n}"), asked=ticket(description=f"질문 {n}번은 언제 되나요?"))
        for n in range(count)
    ]


def test_the_prompt_is_the_products_own_and_the_target_what_was_sent():
    _, found = made_of(one("edited", SENT), *others())
    (mine,) = [each for each in found if each.group == "t-1"]
    said = [message["role"] for message in mine.messages]
    assert said == ["system", "user"] and "온담상점" in mine.messages[0]["content"]
    assert "<ticket>\n반품\n언제까지 되나요?" in mine.messages[1]["content"]
    assert '<evidence n="1"' in mine.messages[1]["content"] and "수령 후 7일" in mine.messages[1]["content"]
    answer = json.loads(mine.reply)
    assert answer["reply"] == SENT and answer["citations"] == [1, 2] and answer["kind"] == "answer"
    assert REPLY not in mine.reply and ": " not in mine.reply.split('"reply"')[0]


def test_fields_are_those_a_person_set_and_only_of_the_tenants_words():
    changes = (FieldChange(name="category", old=None, new="배송", confidence=0.9),)
    _, found = made_of(one(of=draft(fields=changes), tags=["vip", "unknown"], priority="high"), *others())
    answer = json.loads(next(each.reply for each in found if each.group == "t-1"))
    assert (answer["category"], answer["tags"], answer["priority"]) == ("배송", ["vip"], "high")
    _, found = made_of(one(category="남의 것", priority="someday"), *others())
    answer = json.loads(next(each.reply for each in found if each.group == "t-1"))
    assert (answer["category"], answer["tags"], answer["priority"]) == ("", [], "normal")


def test_the_target_has_the_order_and_the_form_that_the_grammar_writes():
    schema = solution_prompt(ticket(), draft_grounds(), ()).schema
    assert target(schema, '네, 됩니다. "인용"', ticket(), {}) == (
        '{"reply":"네, 됩니다. \\"인용\\"","category":"","tags":[],"priority":"normal","citations":[],"kind":"answer"}'
    )
    assert target(None, "plain", ticket(), {}) == "plain"


def draft_grounds():
    from ccos.domain.prompt import Grounds

    return Grounds(ticket(), settings=SETTINGS)


def test_people_are_placeholders_the_same_in_question_and_reply():
    asked = ticket(
        description="김하늘입니다. 010-2345-6789 로 전화 주세요.",
        customer=Customer(name="김하늘"),
        conversation_history=(
            Message(role="customer", text="메일은 haneul@example.com", at=datetime(2026, 11, 1, tzinfo=UTC)),
        ),
    )
    _, found = made_of(
        one("edited", "김하늘 고객님, 010-2345-6789 로 연락드리겠습니다.", asked=asked), *others()
    )
    mine = next(each for each in found if each.group == "t-1")
    whole = json.dumps(mine.document(), ensure_ascii=False)
    assert not any(word in whole for word in ("김하늘", "2345", "haneul"))
    assert (
        not find(mine.reply)
        and json.loads(mine.reply)["reply"] == "[이름_1] 고객님, [전화번호_1] 로 연락드리겠습니다."
    )
    assert "[이름_1]" in mine.messages[-1]["content"] and "[이메일_1]" in whole


def test_what_the_customer_wrote_after_the_draft_is_not_in_the_question():
    later = Message(role="customer", text="벌써 해결됐어요", at=datetime(2026, 11, 3, tzinfo=UTC))
    _, found = made_of(one(asked=ticket(conversation_history=(later,))), *others())
    assert "해결됐어요" not in json.dumps([each.document() for each in found], ensure_ascii=False)


def test_rejected_drafts_handovers_and_repetitions_are_left_out_and_counted():
    found, _ = made_of(
        one(),
        one(),
        one("rejected", of=draft("t-2")),
        one(of=draft("t-3"), made=DraftState.ABSTAINED),
        one(of=draft("t-4", reply="")),
        *others(),
    )
    assert found.left_out == {"rejected": 1, "no_answer": 2, "repeated": 1}
    figures = found.figures()
    assert figures["examples"] == 13 == figures["trained_on"] + figures["held_out"] and figures[
        "languages"
    ] == {"ko": 13}
    assert figures["mean_reply_characters"] > 50 and figures["left_out"]["no_answer"] == 2


def test_too_few_are_told_with_their_number():
    with pytest.raises(
        BadInput, match=r"There are 3 approved replies .* \(1 others were left out\), and at least 20"
    ):
        made_of(*others(3), one("rejected"), least=20)
    with pytest.raises(BadInput, match="There are 0 approved"):
        made_of(least=1)
    same = [one("edited", f"{SENT} {n}번째 안내입니다.") for n in range(3)]
    with pytest.raises(BadInput, match=r"one ticket|approved replies"):
        made_of(*same)


def test_a_ticket_is_never_on_both_sides_and_the_split_is_the_same_each_time():
    decided = [
        one("edited", f"{SENT} {n}", of=draft(f"t{n % 40}"), asked=ticket(description=f"질문 {n}은요?"))
        for n in range(80)
    ]
    first, _ = made_of(*decided)
    again, _ = made_of(*reversed(decided))
    assert first == again and first.held
    assert not {each.group for each in first.taught} & {each.group for each in first.held}
    assert 0.03 < len(first.held) / 80 < 0.4


def test_of_labelled_lines_only_what_was_approved_as_it_was_is_learnt():
    prepared = preparing()
    for n, label in enumerate(["approve"] * 12 + ["edit", "reject"]):
        line = {
            "question": f"환불 {n}은 언제 되나요?",
            "evidence": ["환불: 3일"],
            "answer": f"3일 걸립니다. {n} [1]",
            "label": label,
        }
        prepared.labelled(LabelledAnswer.model_validate(line))
    prepared.labelled(LabelledAnswer(question="", answer="주장", label="approve"))
    found = prepared.prepared(least=5)
    assert found.figures()["examples"] == 12 and found.left_out == {
        "edited": 1,
        "rejected": 1,
        "no_question": 1,
    }
    assert all("환불: 3일" in each.messages[-1]["content"] for each in found.taught)


@pytest.mark.parametrize(
    "text",
    [
        "네, 됩니다. 상담사 박지훈 드림",  # who signs stands in no prompt
        "이영희 고객님께는 010-2222-3333으로 연락드렸습니다.",
        "[전화번호_1] 님, 네, 됩니다.",  # one that was left in by hand
    ],
)
def test_nobody_is_taught_to_write_data_that_no_prompt_has(text):
    """It would write placeholders of its own, and every answer with one is refused."""
    found, examples = made_of(one("edited", text), *others())
    assert found.left_out == {"others_data": 1} and len(examples) == 12
    asked = ticket(description="이영희입니다. 제 번호는 010-2222-3333입니다. 언제 되나요?")
    found, examples = made_of(
        one("edited", "이영희 고객님, 010-2222-3333으로 연락드립니다.", asked=asked), *others()
    )
    (mine,) = (each for each in examples if each.group == "t-1")
    assert found.left_out == {} and "[이름_1]" in mine.reply and "[전화번호_1]" in mine.reply
