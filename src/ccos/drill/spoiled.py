"""Answers that no gate may let through: of the right shape, and wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ccos.domain.prompt import Prompt
from ccos.domain.tier import Task

_BESIDE_THE_POINT = "qzxv wvkj"
_DOTS = "… … … … … …"
_OTHER_LANGUAGE = {
    "ko": "Thank you for your message. We are looking into it and will come back to you as soon as we can.",
    "en": "안녕하세요, 고객님. 문의해 주셔서 감사합니다. 확인한 뒤 다시 안내해 드리겠습니다. 감사합니다.",
}
_INVENTED = {
    "ko": "안녕하세요, 고객님. 환불은 영업일 47일 안에 처리되며 수수료 83,190원이 차감됩니다. "
    "문의는 070-5555-0199로 연락해 주세요. 감사합니다.",
    "en": "Hello, and thank you for contacting us. Refunds take 47 business days and we deduct a fee of "
    "$831.90. Please call 1-800-555-0199 if you have any other question.",
}


def spoiled(prompt: Prompt, number: int) -> str:
    """The bad answer of call `number`: in turn nearly empty, in the wrong language, with invented figures."""
    language = prompt.grounds.language
    text = (_DOTS, _OTHER_LANGUAGE[language], _INVENTED[language])[number % 3]
    if prompt.task is Task.QUERY_BUILDER:  # nobody reads a query: it is bad when it asks for something else
        text = _BESIDE_THE_POINT
    if prompt.schema is None:
        return text
    return json.dumps(_fill(prompt.schema, text), ensure_ascii=False)


def _fill(schema: Mapping[str, Any], text: str) -> Any:
    """A value of the schema's shape with `text` wherever words may stand."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: _fill(part, text) for name, part in schema.get("properties", {}).items()}
        case "array":
            items = schema.get("items", {})
            closed = "enum" in items or schema.get("maxItems") == 0 or items.get("type") == "integer"
            return [] if closed else [_fill(items, text)]
        case "integer" | "number":
            return 1
        case "boolean":
            return True
    return text
