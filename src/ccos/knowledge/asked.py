"""What a customer's text asks, and which of its words name a thing: without a dictionary, by closed lists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ccos.domain.ticket import Ticket
from ccos.knowledge import korean
from ccos.providers.rules.queries import asks
from ccos.quality.features.sources import source
from ccos.quality.features.text import Word
from ccos.quality.folding import plain

MOST_CHARACTERS = 2_000
"""What is read of a long text: the question comes first."""

_LEAST_WEIGHT = 1.0
"""Weight of a word that says something; single syllables and function words have less."""

_PREDICATE = re.compile(
    "(?:요|죠|까|나|데|고|서|면|지|게|며|던|니다|습니까|네|다|라|자|려|러|도록|든|듯|려고|거든|거나|기|음|함|임|쇼|오|소"
    "|해|돼|봐|줘|져|줄|할|될|볼|갈|올|쓸|살|을까|는지|은지|인지|던지|싶은|하는|되는|있는|없는|않는|오는|가는|주는|보는|쓰는"
    "|받는|했는|라는|다는|한|된|인|린|진|킨|친|난|든|온|간|싼|큰|긴|은데|는데|인데|하게|하기|어야|아야|해야|여야|돼야|겠"
    "|았|었|였|주실|하실|려도|해도|아도|어도|씩|쯤|짜리|이나|만|번|개|마다)$"
)
"""Ends of Korean words that tell, join or count; what ends otherwise mostly names a thing."""

_KOREAN_TALK = """
    근데 그거 그건 그게 그분 그걸 그때 그럼 그래 이럴 이게 이거 이건 저거 설마 만약 혹시 얼른 잔뜩 대략 달리
    진작 확실히 무슨 아무 요즘 요새 어찌 어때 진짜 정말 완전 너무 아주 조금 살짝 오늘 어제 내일 아까 방금
    지금 이제 벌써 아직 계속 자꾸 매일 매번 맨날 항상 가끔 원래 그냥 일단 우선 당장 누구 어느 여기 거기 저기
    이쪽 저쪽 그쪽 이렇게 그렇게 저렇게 얼마나 왜요 뭔가 하나 둘 셋 두개 세개 여러 모든 남편 아내 엄마 아빠
    아들 딸 친구 부모님 동생 언니 오빠 누나 형 아이 애기 아기 여자 남자 사람 집 동네 회사 문자 말씀 생각
    마음 사정 걱정 때문 정도 동안 이후 다음 지난 이번 저번 처음 마지막 하루 이틀 사흘 아침 저녁 오전 오후
    점심 새벽 주말 평일 월요일 화요일 수요일 목요일 금요일 토요일 일요일 언제 어디 어떻게 무엇 만원 천원
"""
_ENGLISH_TALK = """
    idea guarantee exactly love trick saved split post owe become keen really going getting got want wanted
    need needed say says said told tell thing things day days week weeks month months year years time times
    today yesterday tomorrow monday tuesday wednesday thursday friday saturday sunday morning afternoon
    evening night ago since ever never still yet already maybe perhaps please sorry thanks thank great fine
    good bad nice new old big small little much many lot first last next back again always something
    anything nothing everything someone anyone way right wrong sure know think like look find make made take
    took come came go went give gave put keep kept let try tried use used work works worked happen happens
    happened start started stop stopped ask asked call called see saw seen feel hope wait waiting long short
    far near here there
"""
_TALK = frozenset(f"{_KOREAN_TALK} {_ENGLISH_TALK}".split())
"""Words of any talk: they name nothing that an article would have to speak of."""

_OUTSIDE = re.compile(
    r"채용|알바|아르바이트|인턴|구직|입사|이력서|경력증명|제휴|입점|협찬|대리점|가맹점?|프랜차이즈|도매|납품|제안서|투자|상장"
    r"|주식|임대|임차|기자|인터뷰|취재|촬영|방송|출판|저작권|논문|설문|과제|레포트|강연|견학|후원|기부|추천|맛집|날씨|노래"
    r"|번역|누구|누가|대표님|사장님|본사|홍보팀|인사팀|마케팅"
    r"|\b(?:hiring|jobs?|intern(?:ship)?s?|vacanc\w+|resume|cv|sponsor\w*|distribut\w+|resell\w*|wholesale|franchise"
    r"|partnership|invest\w*|shares|press|interview\w*|journalist|thesis|survey|podcast|universit\w+|lecture|seminar"
    r"|recommend\w*|translate|weather|song|restaurants?)\b"
)
"""What people write to any company about besides what it sells: work, partnership, press, studies, advice."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A text in lower case, its questions and their words, `nouns` each once, and what it asks `outside`."""

    text: str
    questions: tuple[str, ...]
    words: tuple[tuple[Word, ...], ...]
    nouns: tuple[Word, ...]
    outside: tuple[str, ...]

    @property
    def terms(self) -> frozenset[str]:
        """The index's terms of the nouns and of what lies outside."""
        return frozenset(term for word in self.nouns for term in terms_of(word)).union(
            *(korean.words(cue) for cue in self.outside)
        )


def read(text: str) -> Asked:
    """Linear in the text's length, of which `MOST_CHARACTERS` are read; all of it where nothing is asked."""
    folded = plain(text[:MOST_CHARACTERS]).lower()
    questions = tuple(asks(folded)) or ((folded,) if folded.strip() else ())
    words = tuple(source(question).words for question in questions)
    named = {word.stem: word for of_one in words for word in of_one if _names(word)}
    outside = tuple(found[0] for found in _OUTSIDE.finditer(folded))
    return Asked(folded, questions, words, tuple(named.values()), outside)


def text_of(ticket: Ticket) -> str:
    """What a ticket asks now: its subject, and what the customer wrote last."""
    last = ticket.last_customer_text
    return last if last == ticket.subject else f"{ticket.subject}\n{last}".strip()


def terms_of(word: Word) -> list[str]:
    """What an index would hold of a word."""
    return korean.words(word.stem if word.stem[0] >= "가" else word.written)


def nouns(texts: Iterable[str]) -> set[str]:
    """Stems of the words that name things, anywhere in the texts."""
    return {word.stem for text in texts for word in source(plain(text).lower()).words if _names(word)}


def _names(word: Word) -> bool:
    written = word.written
    if word.weight < _LEAST_WEIGHT or written[0].isdigit() or written in _TALK or word.stem in _TALK:
        return False
    if written[0] < "가":
        return len(written) > 2
    return len(written) > 1 and not _PREDICATE.search(written)
