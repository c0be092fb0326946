"""How much a word looks like a Korean name, before anybody looks at what stands around it.

Grades are natural-logarithm odds, in round figures and from general knowledge: how much more often a syllable
stands in that place of a name than in that place of another word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


def _grades(*grades: tuple[float, str]) -> Mapping[str, float]:
    return {syllable: odds for odds, syllables in reversed(grades) for syllable in syllables}


LONG_SURNAMES = ("남궁", "황보", "제갈", "선우", "독고", "사공", "서문")
SURNAMES = _grades(
    (2.0, "김박최곽윤"),
    (1.5, "홍황권류엄염"),
    (1.0, "임송허강맹탁방표"),
    (0.5, "이정조장한오안양손백남심노하나차민채육옥여함"),
    (0.0, "서신유고문배성우전구주진지천공현변추소석선설길연위명왕인모국어은편봉태"),
    (-0.5, "라마원도기반제용예경금가감빈승피형음사범복부계두단동화호시갈팽옹목상"),
    (-1.0, "좌간견당돈묵빙순창초평점궁종탄"),
)
FIRST = _grades(
    (1.5, "민서지하도예수유현은윤재승정성영미혜준채태"),
    (1.0, "동주시진상경우나소다보규건병종명선순옥금효연희세아라철광창인용원해한"),
    (
        0.3,
        "가강겸관근길기남노단대덕란래련로리린마만말모무문박배백범별복봉부분빈사산삼새석설솔송숙슬승신심안애양언여",
    ),
    (
        0.3,
        "열오온완요욱운웅월율을음의이익일임자장전제조중찬천청초춘충치탁택판평필학함향헌혁형호홍화환황후훈휘흥",
    ),
    (0.3, "구국권균귀담두루림맹본비샘샛슬아엘윌은점종죽찬초큰푸풀꽃봄달들겨고미늘교려훈"),
)
LAST = _grades(
    (1.5, "수연훈은윤준우서원민현진영희호빈혁환석철숙경순율태규식섭욱린솔"),
    (1.0, "혜아재미자정선인주나라형성람온하늬솜울별슬비기찬옥란월담우율결건근균길향필후휘안유"),
    (
        0.3,
        "강겸곤관광교구국권금남녀년늘단덕동두득래련례록룡루리림만명모목무문배백범병보복봉분산삼상새샘선설세소송",
    ),
    (
        0.3,
        "승시신심애양언여열엽예오완왕용웅윌의이익일임장전제조종중지직창채천춘충치탁택평표학한해헌협홍화황효",
    ),
    (0.3, "휼흔흥노교검희봄꽃빛벗름달든돌로마말매맥반도국귤구꾸"),
)
NATIVE = frozenset(
    "사랑 빛나 기쁨 새롬 슬기 보람 아름 나래 초롱 우람 한별 다솜 하늘 바다 가을 여름 가람 누리 소리 나라 보라 유리 이슬 "
    "아라 다운 빛찬 별이 샛별 은별 한결 한솔 한빛 예슬 소담 미르 마루 다래 달래 로운 라온 시내 송이 단비 버들 봄이 "
    "나리 진달 으뜸 힘찬 믿음 소망 은총 주은 루리 루다 루아 새벽 노을 여울 온유 요한 요셉 다윗 에스더 마리아".split()
)
"""Given names that are words or come from other tongues."""
_NATIVE_ODDS = 2.3
_IMPOSSIBLE, _RARE = -4.0, -2.0
_PLAIN_FINALS = frozenset((0, 1, 4, 8, 16, 17, 21))
_DOUBLE_INITIALS = frozenset((1, 4, 8, 10, 13))
_NEVER = frozenset("들는를려게겠습니까던데네것더다에않든될할질거걸낼린른느럼따테과와랑야")
_TWO = -2.1
"""Of two syllables are few names and many words."""
_NOUN, _NOUN_AND_ENDING, _NOUN_AND_MORE = -7.0, -4.0, -1.5
_NOUN_AND_SUFFIX = -3.0
_VERBAL = frozenset(
    "시나 시지 하신 해지 해진 하지 어지 아지 하시 되나 늘하 가지 길지 오지 이지 하나요".split()
)
_VERB_ENDING = re.compile(
    r"[어여려라아해겨워와혀져러]서|[려겨혀져][진준주]|[가오하되보우루리나시놀려]기|[가오하되보우루나시려]길|[가오하되보우루]긴"
    r"|[하라다려보차시마오가나][고구군]|[가오나보]자|[려오나]나|하[다나는군]|어주|해[주지]|하여|[하우으]실|[나오]오라"
)
"""Two syllables that end a verb: 길어서, 나오기, 가려진. Hardly a given name."""
_ENDINGS = "을를의도만"
_BEHIND_NOUNS = "이가은는로고사시해도만을를의와과에요된할합함됨중등금량들예네"
_ALSO_BEHIND_NOUNS = "나라자인지한서상성용비형율기원화적력률액팀품"
"""What stands behind a noun: 변경하, 신청이, 문의고; and what makes a noun of two into one of three."""


@cache
def nouns() -> frozenset[str]:
    """Words that are built like names and are none; the list grew by reading what was taken for a name."""
    return frozenset(files("ccos.quality.pii").joinpath("nouns.txt").read_text("utf-8").split())


def surname_of(word: str) -> str:
    """The surname that the word may begin with, or nothing."""
    if word[:2] in LONG_SURNAMES:
        return word[:2]
    return word[:1] if word[:1] in SURNAMES else ""


def shape(name: str) -> float:
    """Log-odds of a word of two to four syllables to be a name."""
    return made(name) + _as_noun(name)


def made(name: str) -> float:
    """The same by its syllables alone, whatever nouns there are."""
    surname = name[:2] if name[:2] in LONG_SURNAMES and len(name) > 2 else name[:1]
    given = name[len(surname) :]
    odds = 3.0 if len(surname) == 2 else SURNAMES.get(surname, _IMPOSSIBLE)
    if given in NATIVE:
        odds += _NATIVE_ODDS
    elif len(given) == 2:
        odds += _graded(FIRST, given[0]) + _graded(LAST, given[1])
    else:
        odds += LAST.get(given, _IMPOSSIBLE) + (0.0 if len(surname) == 2 else _TWO)
    return odds


def _graded(grades: Mapping[str, float], syllable: str) -> float:
    """Its odds; a syllable of no table may still stand in a name when it is plainly built, as none of 했, 됐."""
    if (odds := grades.get(syllable)) is not None:
        return odds
    initial, rest = divmod(ord(syllable) - 0xAC00, 588)
    plain = rest % 28 in _PLAIN_FINALS and initial not in _DOUBLE_INITIALS and syllable not in _NEVER
    return _RARE if plain else _IMPOSSIBLE


def _as_noun(name: str) -> float:
    known = nouns()
    if name in known:
        return _NOUN
    if (
        name[1:] in _VERBAL
        or _VERB_ENDING.fullmatch(name[1:])
        or (len(name) == 2 and name[1] in "시세려하해")
    ):
        return _NOUN_AND_ENDING
    if len(name) == 3 and name[:2] in known:
        if name[2] in _BEHIND_NOUNS:
            return _NOUN if _is_particle(name) else _NOUN_AND_MORE
        if name[2] == "한":
            return _NOUN_AND_ENDING  # 설정한, 선택한
        return _NOUN_AND_SUFFIX if name[2] in _ALSO_BEHIND_NOUNS else _NOUN_AND_MORE
    if len(name) == 3 and name[2] in _ENDINGS and name[1] not in "가노미":  # 한가을, 이노을
        return _IMPOSSIBLE
    return 0.0


def has_batchim(syllable: str) -> bool:
    """Whether a Hangul syllable ends in a consonant."""
    return (ord(syllable) - 0xAC00) % 28 != 0


def _is_particle(word: str) -> bool:
    """Whether the last syllable can be one behind the others: 변경은, but not 이하은, which had to be 이하는."""
    closed = has_batchim(word[-2])
    return not (word[-1] in "은이을과" and not closed) and not (word[-1] in "는가를와" and closed)
