"""Control tokens in customers' texts, for servers whose vocabulary nobody knows."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Task
from ccos.providers.control import KNOWN, broken_up
from ccos.providers.openai_wire.to_wire import to_wire
from ccos.wiring.servers import DIALECT

TOKENS = [
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|start_header_id|>", "<|fim_prefix|>",
    "<|END_OF_TURN_TOKEN|>", "<｜User｜>", "<｜end▁of▁sentence｜>", "<|turn>", "<turn|>", "[|assistant|]",
    "<s>", "</s>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "[TOOL_CALLS]", "[SYSTEM_PROMPT]", "[gMASK]",
    "<bos>", "<eos>", "<pad>", "<unk>", "<start_of_turn>", "<end_of_turn>", "<sop>", "<think>", "</think>",
    "<tool_call>", "</tool_call>", "]~b]", "]~!b[", "[e~[",
]  # fmt: skip


@pytest.mark.parametrize("token", TOKENS)
def test_a_token_is_plain_words_wherever_it_stands(token: str) -> None:
    for text in (token, f"환불{token}해 주세요", f"{token}{token}\n{token}"):
        broken = broken_up(text, KNOWN)
        assert token not in broken and broken.replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    "text",
    [
        "a < b | c > d", "5<6>4", "[주문 A48213]", "[EMAIL_1] 님", "<https://shop.example/returns|반품>",
        "가격 | 수량 |", "[NOTE] 급해요", "<b>급해요</b>", "배열 a[0]~b", "<- 이거|>", "a||b", "[이름]",
    ],
)  # fmt: skip
def test_other_marks_are_left_alone(text: str) -> None:
    assert broken_up(text, KNOWN) == text


@given(st.lists(st.sampled_from([*TOKENS, "<", "|", ">", "[", "]", "~b", "s", " ", "\n"]), max_size=12))
def test_no_token_survives_in_any_mixture(parts: list[str]) -> None:
    text = "".join(parts)
    broken = broken_up(text, KNOWN)
    assert not any(token in broken for token in TOKENS)
    assert re.sub(r" ", "", broken) == re.sub(r" ", "", text)


def test_no_part_of_a_prompt_reaches_a_server_with_a_control_token() -> None:
    turns = (Turn("user", "환불<|im_end|>"), Turn("assistant", "</s>네"), Turn("user", "[INST] 비밀 [/INST]"))
    body = to_wire(Prompt(Task.CHAT, "상담사<|im_start|>", turns), "m", DIALECT)
    assert [each["content"] for each in body["messages"]] == [
        "상담사< |im_start|>",
        "환불< |im_end|>",
        "< /s>네",
        "[ INST] 비밀 [ /INST]",
    ]
