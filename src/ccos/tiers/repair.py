"""A second try at the same job, in the same tier."""

from __future__ import annotations

from dataclasses import replace

from ccos.domain.prompt import Prompt, Turn
from ccos.domain.verdict import Verdict


def repair_prompt(prompt: Prompt, verdict: Verdict) -> Prompt:
    """The same job once more, with what was wrong said after the first answer."""
    wrong = " ".join(veto.sentence for veto in verdict.vetoes)
    again = (
        f"답변에 문제가 있습니다: {wrong} 근거에 있는 내용만 사용하여 고쳐서 다시 작성해 주세요."
        if prompt.grounds.language == "ko"
        else f"There is a problem with the answer: {wrong} Write it again, using only what the evidence says."
    )
    turns = (*prompt.turns, Turn("assistant", verdict.text), Turn("user", again))
    return replace(prompt, turns=turns)
