"""What says that something is asked, not what: endings, particles, greetings and question words."""

from __future__ import annotations

import re

from ccos.knowledge import korean

_TERMS = """
    습니 니다 입니 합니 됩니 세요 해요 어요 아요 나요 까요 네요 데요 는데 은데 인데 지만 하고 하는 하면
    해서 해야 했는 했어 했습 되나 되는 되고 되어 됐는 있는 있나 있습 없는 없습 없어 없고 에서 으로 에게
    부터 까지 이나 라고 주세 해주 부탁 드립 드려 안녕 녕하 하세 하십 십니 니까 시오 감사 사합 고객 객님
    문의 의드 제가 저는 저희 어떻 떻게 언제 무엇 어디 얼마 왜 그 이 저 것 거 수 좀 더 안 를 을 은 는 가
    도 의 에 로 와 과 한 할 해 돼 되 요
    a an the is are am be to of in on at for and or not no it i my me we you your do does did can could would
    please how what when where why which who with from by this that have has had thank hello hi
"""
FILLER = frozenset(_TERMS.split())

_PARTICLE = re.compile(
    "(?:으로부터|이라는|에서는|에서도|에게서|으로는|으로도|이라고|라는|라고|에서|에게|으로|까지|부터|보다|처럼|이나|이며"
    "|에는|에도|와는|과는|은|는|이|가|을|를|의|에|로|와|과|도|만|나|며|고|요|죠|지)(?![가-힣])"
)


def informative(text: str) -> set[str]:
    """Word terms without filler and without those a particle at a word's end makes, as 불은 of 환불은."""
    return set(korean.words(without_particles(text))) - FILLER


def without_particles(text: str) -> str:
    """The normalised text with 환불 for 환불은; a particle becomes a space."""
    return _PARTICLE.sub(lambda found: " " if _follows_two(found) else found[0], korean.normalise(text))


def _follows_two(found: re.Match[str]) -> bool:
    """A particle follows a word: of 나이 or 가로 the end is part of the word."""
    before = found.string[max(found.start() - 2, 0) : found.start()]
    return len(before) == 2 and all("가" <= letter <= "힣" for letter in before)
