import json

import pytest

from ccos.domain.errors import ProviderRefused
from ccos.domain.prompt import Grounds, Prompt, Turn
from ccos.domain.ticket import Customer, Ticket
from ccos.domain.tier import Task, Tier
from ccos.tiers.privacy import Masked
from ccos.tiers.testing import ScriptedProvider

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
