"""Questions beside the sections of the procedures that answer them, as they are written down. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from ccos.domain.errors import BadInput
from ccos.domain.prompt import Language
from ccos.knowledge.chunking import passages
from ccos.providers.rules.text import hangul_share, plain_lines
from ccos.providers.tiny.sections import name_of, parts

HELD_OUT = 0.1
"""Share of the questions that no training text holds: what the model makes of them is its check."""
_NOBODY = "none"
_INTRODUCTION = "*"


@dataclass(frozen=True, slots=True)
class Article:
    """A procedure as the corpus needs it."""

    id: str
    title: str
    body: str
    intent: str = "other"


@dataclass(frozen=True, slots=True)
class Ask:
    """One question, and the name of the section that answers it; "" when the shop has no answer.

    `wording` is what to search for: the section's name with its heading, which a passage does not repeat.
    """

    text: str
    article: str
    section: str
    wording: str
    intent: str
    trouble: bool

    @property
    def language(self) -> Language:
        return "ko" if hangul_share(self.text) >= 0.3 else "en"


def read_asks(text: str, articles: Mapping[str, Article], trouble: frozenset[str]) -> list[Ask]:
    """The written questions: `= article`, `# heading`, then questions between bars. Raises BadInput.

    A heading is named by its beginning, or by words of its text; `*` is what stands before the first.
    """
    found: list[Ask] = []
    article, section, words = "", "", ""
    for number, line in enumerate(text.splitlines(), start=1):
        head, _, rest = line.partition(" ")
        if head == "=":
            article = rest.strip()
            if article != _NOBODY and article not in articles:
                raise BadInput(f"Line {number} of the questions names no article of the shop: {article}.")
        elif head == "#":
            section = words = ""
            if article != _NOBODY:
                section, words = _section(articles[article], rest.strip(), number)
        elif line.strip():
            intent = articles[article].intent if article in articles else "other"
            found += [
                Ask(ask.strip(), article, section, words, intent, article in trouble)
                for ask in line.split("|")
                if ask.strip()
            ]
    return found


def _section(article: Article, wanted: str, number: int) -> tuple[str, str]:
    """The name of a section, and the words to search for it."""
    known = _sections(article)
    named = [one for one in known if one[1].startswith(wanted)]
    inside = [one for one in known if wanted in one[2]]
    fit = known[:1] if wanted == _INTRODUCTION else named or inside
    if not fit:
        raise BadInput(f"Line {number} of the questions: {article.id} has no section {wanted!r}.")
    name, heading, _ = fit[0]
    return name, name_of(article.title, "" if wanted == _INTRODUCTION else heading)


def _sections(article: Article) -> list[tuple[str, str, str]]:
    """Name, heading and text of the sections, as search would show them."""
    return [
        (name_of(article.title, heading), heading or passage.heading.split(" > ")[-1], body)
        for passage in passages(article.title, article.body)
        for heading, body in parts(passage.body)
    ]


def split(asks: Sequence[Ask], seed: int) -> tuple[list[Ask], list[Ask]]:
    """Questions to learn from, and those held out: only from sections that keep at least two."""
    dice = Random(seed)  # noqa: S311  no secret hangs on it
    left: dict[str, int] = {}
    for ask in asks:
        left[ask.section] = left.get(ask.section, 0) + 1
    held: set[int] = set()
    for at in dice.sample(range(len(asks)), len(asks)):
        section = asks[at].section
        if len(held) < HELD_OUT * len(asks) and left[section] > 2:
            held.add(at)
            left[section] -= 1
    learnt = [ask for at, ask in enumerate(asks) if at not in held]
    return learnt, [asks[at] for at in sorted(held)]


def told_by(articles: Iterable[Article], trouble: frozenset[str]) -> list[Ask]:
    """Every line of the procedures, with the section it stands in."""
    found: list[Ask] = []
    for article in articles:
        for name, heading, body in _sections(article):
            wording = name_of(article.title, heading)
            lines = (line for line in (article.title, heading, *plain_lines(body)) if line.strip())
            sore = article.id in trouble
            found += [Ask(line, article.id, name, wording, article.intent, sore) for line in lines]
    return found
