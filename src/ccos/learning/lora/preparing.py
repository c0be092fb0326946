"""What an adapter is trained on: prompts as a model is asked, and the replies that people sent."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ccos.domain.draft import Draft, DraftState
from ccos.domain.errors import BadInput, Unreadable
from ccos.domain.evidence import for_writing
from ccos.domain.prompt import Grounds, Language, Prompt
from ccos.domain.tenant import TenantSettings
from ccos.domain.ticket import Ticket
from ccos.learning.exporting import asked_then
from ccos.learning.labelled import LabelledAnswer
from ccos.quality.pii import PLACEHOLDER, mask
from ccos.store.decisions import Decision

LEAST = 20
"""Examples below which nothing is trained: an adapter would learn them by heart."""
HELD_SHARE = 0.15
"""Of the tickets, about so many are never trained on and say what was learnt."""
_ANSWERS = frozenset({DraftState.READY, DraftState.NEEDS_REVIEW})
_MARK = re.compile(r"\[(\d{1,2})\]")

Ask = Callable[[Ticket, Grounds], Prompt]
"""How the product asks a model for a draft."""


@dataclass(frozen=True, slots=True)
class Example:
    """`messages` as they go to a chat model, `reply` what it should say. One `group` is one ticket."""

    messages: tuple[Mapping[str, str], ...]
    reply: str
    language: Language
    group: str

    def document(self) -> dict[str, Any]:
        """As it stands in a file; the group tells no id of a ticket."""
        return {
            "messages": [*map(dict, self.messages), {"role": "assistant", "content": self.reply}],
            "language": self.language,
            "held_out": self.held,
        }

    @property
    def held(self) -> bool:
        """Whether it is kept for the examination: by its ticket's name alone, on every machine alike."""
        return (
            int.from_bytes(hashlib.blake2b(self.group.encode(), digest_size=4).digest()) < HELD_SHARE * 2**32
        )


@dataclass(frozen=True, slots=True)
class Prepared:
    """`left_out` counts what was not taken, by reason."""

    taught: tuple[Example, ...]
    held: tuple[Example, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        every = (*self.taught, *self.held)
        words = sum(len(message["content"]) for each in every for message in each.messages)
        replies = sum(len(each.reply) for each in every)
        return {
            "examples": len(every),
            "trained_on": len(self.taught),
            "held_out": len(self.held),
            "languages": dict(sorted(Counter(each.language for each in every).items())),
            "mean_prompt_characters": round(words / len(every)) if every else 0,
            "mean_reply_characters": round(replies / len(every)) if every else 0,
            "left_out": dict(sorted(self.left_out.items())),
        }


class Preparing:
    """Collects examples. `ask` rebuilds the prompt of a ticket and what its draft could stand on."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._found: list[Example] = []
        self._left_out: Counter[str] = Counter()
        self._seen: set[bytes] = set()

    def decided(
        self, ticket: Ticket, draft: Draft, made: DraftState, decision: Decision, settings: TenantSettings
    ) -> None:
        """A draft and what a person did with it; `made` is the state that work on it had ended in.

        The target is what was sent: the edited text, or the approved draft.
        """
        if decision.verdict == "rejected":
            self._left_out["rejected"] += 1
        elif made not in _ANSWERS or not draft.reply:
            self._left_out["no_answer"] += 1
        else:
            language: Language = "en" if draft.triage.get("language") == "en" else "ko"
            asked = asked_then(ticket, draft.created_at)
            intent = str(draft.triage.get("intent") or "other")
            grounds = Grounds(asked, for_writing(draft.evidence), language, intent, settings=settings)
            fields = {change.name: change.new for change in draft.fields} | dict(decision.fields)
            self._take(asked, grounds, decision.text or draft.reply, fields, str(draft.ticket_id))

    def labelled(self, line: LabelledAnswer) -> None:
        """A line of a labelled set. Only what was approved as it was: of an edited answer, a line does not
        hold what was sent.
        """
        if line.label != "approve":
            self._left_out["rejected" if line.label == "reject" else "edited"] += 1
        elif (ticket := line.prompt().grounds.ticket) is None:
            self._left_out["no_question"] += 1
        else:
            self._take(ticket, line.prompt().grounds, line.answer, {}, line.group)

    def prepared(self, *, least: int = LEAST) -> Prepared:
        """All that was collected, told apart. Raises BadInput where it is too little."""
        found = sorted(self._found, key=lambda each: (each.group, each.reply))
        held = tuple(each for each in found if each.held)
        taught = tuple(each for each in found if not each.held)
        if len(found) < least or not taught:
            left = sum(self._left_out.values())
            raise BadInput(
                f"There are {len(found)} approved replies to learn from ({left} others were left out), and "
                f"at least {max(least, 1)} are needed; try again when more drafts have been approved.",
                examples=len(found),
                left_out=dict(self._left_out),
            )
        if not held:  # so few tickets that none fell to the examination
            last = taught[-1].group
            held = tuple(each for each in taught if each.group == last)
            taught = tuple(each for each in taught if each.group != last)
            if not taught:
                raise BadInput("All approved replies are of one ticket; replies to others are needed too.")
        return Prepared(taught, held, dict(self._left_out))

    def _take(
        self, ticket: Ticket, grounds: Grounds, reply: str, fields: Mapping[str, Any], group: str
    ) -> None:
        prompt = self._ask(ticket, grounds)
        texts = [prompt.system, *(turn.text for turn in prompt.turns), reply.strip()]
        names = [ticket.customer.name] if ticket.customer and ticket.customer.name else []
        try:
            (system, *said, sent), _ = mask(texts, names=names)
        except Unreadable:
            self._left_out["unreadable"] += 1
            return
        known = "".join((system, *said))
        if any(mark.group() not in known for mark in PLACEHOLDER.finditer(sent)):
            self._left_out["others_data"] += 1  # taught to write what no prompt has, it would invent it
            return
        roles = ["system", *(turn.role for turn in prompt.turns)]
        messages = tuple(
            {"role": role, "content": text}
            for role, text in zip(roles, [system, *said], strict=True)
            if text.strip()
        )
        example = Example(messages, target(prompt.schema, sent, ticket, fields), grounds.language, group)
        words = repr((example.messages, example.reply)).encode()
        mark = hashlib.blake2b(words, digest_size=16).digest()
        if not sent or mark in self._seen:
            self._left_out["empty" if not sent else "repeated"] += 1
            return
        self._seen.add(mark)
        self._found.append(example)


def target(schema: Mapping[str, Any] | None, reply: str, ticket: Ticket, fields: Mapping[str, Any]) -> str:
    """The answer as the grammar of `schema` writes it: compact JSON, in the schema's order.

    Field values that the schema does not allow are left at their empty ones.
    """
    if schema is None:
        return reply
    shapes: Mapping[str, Mapping[str, Any]] = schema["properties"]
    cited = list(dict.fromkeys(int(number) for number in _MARK.findall(reply)))
    wished = {"category": ticket.category, "tags": list(ticket.tags), "priority": ticket.priority, **fields}
    document: dict[str, Any] = {}
    for name, shape in shapes.items():
        match name:
            case "reply":
                document[name] = reply
            case "citations":
                document[name] = cited[: shape.get("maxItems", 8)]
            case "kind":
                document[name] = "answer"
            case _:
                document[name] = _allowed(shape, wished.get(name))
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _allowed(shape: Mapping[str, Any], wished: object) -> object:
    if shape.get("type") == "array":
        known = shape.get("items", {}).get("enum", ())
        listed = wished if isinstance(wished, (list, tuple)) else ()
        return [each for each in listed if each in known][: shape.get("maxItems", 0)]
    values = shape.get("enum", ("",))
    word = getattr(wished, "value", wished)
    return word if word in values else ("normal" if "normal" in values else values[0])


def write_jsonl(examples: Iterable[Example]) -> Iterable[bytes]:
    """The lines of a file of examples."""
    return (json.dumps(each.document(), ensure_ascii=False).encode() + b"\n" for each in examples)
