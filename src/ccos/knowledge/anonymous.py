"""Solved cases without the people in them: what is stored can be found for any other customer."""

from __future__ import annotations

from dataclasses import replace

from ccos.domain.errors import BadKnowledge
from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item
from ccos.quality.pii import without_people


def anonymous(item: Item) -> Item:
    """A case with a word like [이름] in place of personal data; a procedure as it is: its data is our own.

    Raises BadKnowledge for a case that could not be searched: it is not stored.
    """
    if item.kind is not EvidenceKind.CASE:
        return item
    try:
        return replace(
            item,
            title=without_people(item.title),
            body=without_people(item.body),
            category=item.category and without_people(item.category),
            tags=tuple(without_people(tag) for tag in item.tags),
            url=item.url if item.url is None or without_people(item.url) == item.url else None,
        )
    except Exception as fault:
        raise BadKnowledge("The case could not be searched for personal data and is not stored.") from fault
