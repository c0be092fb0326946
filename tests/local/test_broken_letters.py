"""Bytes that are no letters: what the engine's grammar lets through, and what the client makes of it."""

from __future__ import annotations

import json
from pathlib import Path

from ccos.domain.tier import Tier
from ccos.local.grammar import to_gbnf
from ccos.providers.answering import spoken
from ccos.providers.http import open_session
from ccos.providers.openai_wire import Dialect, OpenAIChat
from ccos.quality.shape import fault
from support.local_models import asking, running
from support.tiny_gguf import build_tiny_gguf, byte_pairs, printable_bytes

SCHEMA = {
    "type": "object",
    "properties": {"reply": {"type": "string", "minLength": 1, "maxLength": 4}},
    "required": ["reply"],
    "additionalProperties": False,
}
OVERLONG = (0xE0, 0x9F)
"""Three bytes of these, the second one twice, are no UTF-8, and one letter to llama.cpp's grammar."""


async def test_bytes_that_are_no_letters_do_not_make_a_text_longer_than_its_schema_allows(tmp_path: Path):
    tokens, names = byte_pairs()[0], printable_bytes()
    favoured = [[tokens.index(names[byte]), 60.0] for byte in OVERLONG]
    dialect = Dialect(schema="grammar", grammar=to_gbnf, return_progress=True, extra={"logit_bias": favoured})
    file = build_tiny_gguf(tmp_path / "tiny.gguf")
    async with running(file, tmp_path / "state") as model, open_session(keepalive_seconds=0) as session:
        endpoint = await model.endpoint(seconds=30)
        chat = OpenAIChat(
            session=session,
            base_url=endpoint.base_url,
            api_key=endpoint.api_key,
            model="tiny",
            tier=Tier.LOCAL_TINYLLAMA,
            paid=False,
            leaves_machine=False,
            dialect=dialect,
        )
        answer = await chat.answer(asking("hello", schema=SCHEMA, max_tokens=60), seconds=30)
    payload = json.loads(answer.text)
    assert "\ufffd" in payload["reply"]
    assert fault(payload, SCHEMA) is None


def test_only_json_is_mended():
    assert spoken('{"a":"x\ufffd\ufffd\ufffdy\ufffd"}', as_json=True) == '{"a":"x\ufffdy\ufffd"}'
    assert spoken("x\ufffd\ufffdy") == "x\ufffd\ufffdy"
