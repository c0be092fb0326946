"""What a model is told when the caller brings no instructions of its own."""

from __future__ import annotations

from collections.abc import Mapping

from ccos.domain.prompt import Language

SYSTEM: Mapping[Language, str] = {
    "ko": "당신은 고객센터 상담사를 돕습니다. 주어진 자료만 근거로, 정중한 합쇼체로 답합니다.",
    "en": "You help a support agent. Answer politely, and only from the material given.",
}
"""For a task of the contact centre; a chat without instructions stays without."""
