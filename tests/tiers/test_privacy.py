import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccos.domain.errors import ProviderDown, ProviderRefused, ProviderTimeout
from ccos.domain.prompt import Grounds, Prompt, Turn
from ccos.domain.ticket import Customer, Ticket
from ccos.domain.tier import Task, Tier
from ccos.quality.pii import Pseudonyms
from ccos.tiers.privacy import Masked, Unmasking, unmask
from ccos.tiers.testing import Says, ScriptedProvider
from ccos.tiers.tuned import Tuned

TICKET = Ticket(subject="환불", customer=Customer(name="김하늘"))


def ask(text: str, *, schema=None) -> Prompt:
    return Prompt(Task.SOLUTION_DRAFT, "system", (Turn("user", text),), Grounds(ticket=TICKET), schema)


async def answer(text: str, said, *, schema=None):
    inner = ScriptedProvider(Tier.CLOUD_PREMIUM, [said])
    made = await Masked(inner).answer(ask(text, schema=schema), seconds=1)
    return made.text, inner.calls[0].turns[0].text


async def test_the_provider_reads_placeholders_and_the_desk_reads_the_real_values():
    text, seen = await answer("김하늘입니다. 010-1234-5678로 전화 주세요", lambda p: f"네, {p.turns[0].text}")
    assert "1234" not in seen and "김하늘" not in seen
    assert text == "네, 김하늘입니다. 010-1234-5678로 전화 주세요"


async def test_a_text_without_personal_data_travels_as_it_is():
    assert await answer("환불은 언제 되나요?", "3일") == ("3일", "환불은 언제 되나요?")


async def test_a_resident_number_is_refused_at_the_door():
    inner = ScriptedProvider(Tier.CLOUD_PREMIUM, ["ok"])
    with pytest.raises(ProviderRefused, match="stays on this machine"):
        await Masked(inner).answer(ask("주민번호 900101-1234567 입니다"), seconds=1)
    assert inner.calls == []


async def test_values_put_back_into_json_stay_inside_their_string():
    quoted = Ticket(subject="x", customer=Customer(name='Kim "Sky" Lee'))
    prompt = Prompt(
        Task.SOLUTION_DRAFT, "s", (Turn("user", 'I am Kim "Sky" Lee'),), Grounds(ticket=quoted), {}
    )
    inner = ScriptedProvider(
        Tier.CLOUD_PREMIUM, [lambda p: json.dumps({"reply": p.turns[0].text}, ensure_ascii=False)]
    )
    made = await Masked(inner).answer(prompt, seconds=1)
    assert "Sky" not in inner.calls[0].turns[0].text
    assert json.loads(made.text) == {"reply": 'I am Kim "Sky" Lee'}


async def test_system_text_is_masked_and_held_back_like_any_other():
    inner = ScriptedProvider(Tier.CLOUD_PREMIUM, [lambda p: p.system])
    prompt = Prompt(Task.SOLUTION_DRAFT, "고객 연락처는 010-1234-5678", (Turn("user", "안녕하세요"),))
    made = await Masked(inner).answer(prompt, seconds=1)
    assert "1234" not in inner.calls[0].system and made.text == prompt.system
    with pytest.raises(ProviderRefused):
        await Masked(inner).answer(
            Prompt(Task.SOLUTION_DRAFT, "주민번호 900101-1234567", (Turn("user", "네"),)), seconds=1
        )


NAMES = {"[이름_1]": "김하늘", "[전화번호_1]": "010-1234-5678", "[이름_12]": "이[이름_1]바다"}
said_pieces = st.lists(
    st.sampled_from(
        [*NAMES, "[이름_", "[이", "[", "1]", "_1]", "]", "[주소_9]", "네 ", "이름_1]", "[[이름_1]"]
    ),
    max_size=10,
)


@settings(deadline=None, max_examples=300)
@given(said_pieces, st.lists(st.integers(1, 7), max_size=25))
def test_what_is_heard_is_the_unmasked_whole_wherever_chunks_fall(parts, cuts):
    whole, heard = "".join(parts), []
    rest, unmasking = whole, Unmasking(heard.append, Pseudonyms(NAMES))
    for cut in cuts:
        unmasking.hear(rest[:cut])
        rest = rest[cut:]
    unmasking.hear(rest)
    unmasking.end()
    assert "".join(heard) == unmask(whole, Pseudonyms(NAMES), as_json=False)


def test_only_what_may_be_a_placeholder_is_held_back():
    heard = []
    unmasking = Unmasking(heard.append, Pseudonyms(NAMES))
    for piece in ("네 [이", "름_1", "]님 [이용", " 안내] [이름_3", "] ["):
        unmasking.hear(piece)
    assert heard == ["네 ", "김하늘님 [이용", " 안내] ", "[이름_3] "]
    unmasking.end()
    assert heard[-1] == "["


async def test_the_desk_hears_real_values_while_the_provider_writes_placeholders():
    heard = []
    inner = ScriptedProvider(Tier.CLOUD_PREMIUM, [Says(pieces=("[이", "름_1", "]님, 확인", "했습니다."))])
    made = await Masked(inner).answer(ask("김하늘입니다"), seconds=1, hear=heard.append)
    assert "".join(heard) == made.text == "김하늘님, 확인했습니다."
    assert all("이름" not in piece for piece in heard)


async def test_what_is_json_is_not_heard_through_the_mask():
    heard = []
    inner = ScriptedProvider(Tier.CLOUD_PREMIUM, [Says('{"reply": "[이름_1]"}')])
    made = await Masked(inner).answer(ask("김하늘입니다", schema={}), seconds=1, hear=heard.append)
    assert made.text == '{"reply": "김하늘"}' and heard == []


async def test_words_that_were_cut_are_heard_up_to_the_cut():
    heard = []
    cut = Says(pieces=("네, [이름_1]님 ", "[이"), then=ProviderDown(cause="truncated"))
    with pytest.raises(ProviderDown) as caught:
        await Masked(ScriptedProvider(Tier.CLOUD_PREMIUM, [cut])).answer(
            ask("김하늘입니다"), seconds=1, hear=heard.append
        )
    assert heard == ["네, 김하늘님 "] and caught.value.facts["begun"]


async def test_tuned_lets_words_be_heard():
    heard = []
    tuned = Tuned(ScriptedProvider(Tier.LOCAL_MINIMAX, [Says("네.")]), max_tokens=5, temperature=0.0)
    await tuned.answer(ask("안녕하세요"), seconds=1, hear=heard.append)
    assert heard == ["네."]


async def test_a_scripted_answer_that_comes_too_late_is_a_timeout():
    late = ScriptedProvider(Tier.CLOUD_PREMIUM, [Says("네.", after_seconds=5.0)])
    with pytest.raises(ProviderTimeout):
        await late.answer(ask("안녕하세요"), seconds=0.01)
    soon = ScriptedProvider(Tier.CLOUD_PREMIUM, [Says("네.", after_seconds=0.01)])
    assert (await soon.answer(ask("안녕하세요"), seconds=5)).first_token_seconds == 0.01


async def test_what_was_held_back_to_the_end_is_heard_too():
    heard = []
    inner = ScriptedProvider(Tier.CLOUD_PREMIUM, [Says(pieces=("[이름_1]", "님 [이"))])
    await Masked(inner).answer(ask("김하늘입니다"), seconds=1, hear=heard.append)
    assert heard == ["김하늘", "님 ", "[이"]
