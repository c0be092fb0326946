"""How well evidence covers a question, before any model has read it."""

from __future__ import annotations

from collections.abc import Sequence

from ccos.domain.evidence import Evidence
from ccos.knowledge import korean


def answerability(queries: Sequence[str], evidence: Sequence[Evidence]) -> float:
    """In [0, 1]: the largest share of one query's informative terms that one piece of evidence holds."""
    held = [set(korean.words(f"{each.title}\n{each.snippet}")) for each in evidence]
    asked = [set(korean.words(query)) - _FILLER for query in queries]
    return max((len(terms & own) / len(terms) for terms in asked if terms for own in held), default=0.0)


_ENDINGS_AND_MANNERS = """
    습니 니다 입니 합니 됩니 세요 해요 어요 아요 나요 까요 네요 데요 는데 은데 인데 지만 하고 하는 하면
    해서 해야 했는 했어 했습 되나 되는 되고 되어 됐는 있는 있나 있습 없는 없습 없어 없고 에서 으로 에게
    부터 까지 이나 라고 주세 해주 부탁 드립 드려 합니 안녕 녕하 하세 하십 십니 니까 시오 감사 사합 고객
    객님 문의 의드 제가 저는 저희 어떻 떻게 언제 무엇 어디 얼마 왜 그 이 저 것 거 수 좀 더 안 를 을 은
    는 가 도 의 에 로 와 과 한 할 해 돼 되 요 a an the is are am be to of in on at for and or not no it
    i my me we you your do does did can could would please how what when where why which who with from
    by this that have has had thank hello hi
"""
_FILLER = frozenset(_ENDINGS_AND_MANNERS.split())
"""Endings, particles, greetings and question words: they say that something is asked, not what."""
