"""What a caller of /v1 asks for, whichever format it was written in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from ccos.agents.triage import language_in
from ccos.api.instructions import SYSTEM
from ccos.api.v1.extras import Extras
from ccos.api.v1.faults import bad
from ccos.api.v1.names import Alias
from ccos.domain.prompt import Grounds, Language, Prompt, Turn
from ccos.domain.tenant import Tenant
from ccos.domain.ticket import PiiClass
from ccos.domain.tier import Mode, Task
from ccos.quality.schemas import flaw
from ccos.tiers.relay import Relay
from ccos.tiers.request import Context, Priority

MAX_MESSAGES = 500
MAX_TOKENS = 8_192
"""A limit above it is held at it: what a caller names is the most there may be, so that less keeps to it."""
DEFAULT_TOKENS = 1_024
"""For a caller who names no limit."""
DEFAULT_TEMPERATURE = 0.2
MAX_STOPS = 4
MAX_STOP_CHARACTERS = 200
INTERACTIVE_SECONDS, BATCH_SECONDS = 20.0, 600.0
LANGUAGE_CHARACTERS, LANGUAGE_TURNS = 2_000, 10
"""So much of the last messages is read for their language."""

BEGINS: Mapping[Language, str] = {
    "ko": "(답변은 다음 글에 이어지게 써 주세요: {text})",
    "en": "(Write the answer so that it goes on from this: {text})",
}
"""An answer that the caller began is asked for in words: not every model can be made to go on from one."""

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, checked. `stops` are the texts at which the answer ends."""

    alias: Alias
    system: str
    turns: tuple[Turn, ...]
    language: Language
    extras: Extras
    max_tokens: int = DEFAULT_TOKENS
    temperature: float = DEFAULT_TEMPERATURE
    stops: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    stream: bool = False
    include_usage: bool = False

    @property
    def texts(self) -> str:
        """All that was written, to look for personal data in."""
        return "\n".join((self.system, *(turn.text for turn in self.turns)))

    def prompt(self, tenant: Tenant) -> Prompt:
        chat = self.alias.task is Task.CHAT
        return Prompt(
            task=self.alias.task,
            system=self.system if self.system or chat else SYSTEM[self.language],
            turns=self.turns,
            grounds=Grounds(language=self.language, settings=tenant.settings),
            schema=self.schema,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
        )

    def context(self, tenant: Tenant, mode: Mode, pii: PiiClass, relay: Relay | None) -> Context:
        """`mode` is the configured one, for who asks for none."""
        extras = self.extras
        usual = BATCH_SECONDS if extras.priority is Priority.BATCH else INTERACTIVE_SECONDS
        return Context(
            tenant_id=tenant.id,
            mode=extras.mode or self.alias.mode or mode,
            seconds=extras.seconds or usual,
            pii=pii,
            cloud_allowed=tenant.settings.cloud_allowed,
            priority=extras.priority,
            cache=extras.cache,
            only=self.alias.only,
            relay=relay,
            source="api",
        )


def conversation(said: Iterable[tuple[Role, str]]) -> tuple[str, tuple[Turn, ...], Language]:
    """System text, turns and language. The turns alternate and the last one is the user's.

    Raises a Fault when nothing was said at all.
    """
    system: list[str] = []
    turns: list[Turn] = []
    for role, raw in said:
        text = raw.replace("\0", "")
        if not text.strip():
            continue
        if role == "system":
            system.append(text)
        elif turns and turns[-1].role == role:
            turns[-1] = Turn(role, f"{turns[-1].text}\n\n{text}")
        else:
            turns.append(Turn(role, text))
    if not turns:
        if not system:
            raise bad("The messages hold no text; say something.", "messages")
        turns, system = [Turn("user", "\n\n".join(system))], []
    language = _language(turns)
    if turns[-1].role == "assistant":
        begun = BEGINS[language].format(text=turns.pop().text)
        before = f"{turns.pop().text}\n\n" if turns else ""
        turns.append(Turn("user", before + begun))
    return "\n\n".join(system), tuple(turns), language


def _language(turns: list[Turn]) -> Language:
    """Of what the user wrote last, else of what they wrote before; Korean where nothing tells."""
    said = (turn.text[-LANGUAGE_CHARACTERS:] for turn in reversed(turns) if turn.role == "user")
    told = (language_in(text) for text in islice(said, LANGUAGE_TURNS))
    return next((known[0] for known in told if known is not None), "ko")


def limit(tokens: int | None, param: str) -> int:
    """The most tokens the answer may have."""
    if tokens is None:
        return DEFAULT_TOKENS
    if tokens < 1:
        raise bad(f"'{param}' must be 1 or more.", param)
    return min(tokens, MAX_TOKENS)


def warmth(temperature: float | None, highest: float) -> float:
    if temperature is None:
        return DEFAULT_TEMPERATURE
    if not 0.0 <= temperature <= highest:
        raise bad(f"'temperature' must be from 0 to {highest:g}.", "temperature")
    return temperature


def ends(given: str | list[str] | None, param: str) -> tuple[str, ...]:
    """The texts at which the answer ends, without empty ones."""
    stops = [given] if isinstance(given, str) else given or []
    if len(stops) > MAX_STOPS:
        raise bad(f"'{param}' may hold {MAX_STOPS} texts at most.", param)
    if any(len(stop) > MAX_STOP_CHARACTERS for stop in stops):
        raise bad(f"A text of '{param}' may have {MAX_STOP_CHARACTERS} characters at most.", param)
    return tuple(stop for stop in stops if stop)


def shaped(schema: object, param: str) -> Mapping[str, Any]:
    """A JSON schema that answers can be held to."""
    if said := flaw(schema):
        raise bad(said, param, code="invalid_json_schema")
    assert isinstance(schema, Mapping)
    if schema.get("type", "object") != "object":
        raise bad("The schema of an answer must be of type 'object'.", param, code="invalid_json_schema")
    return schema
