"""Which language a customer writes, by script and small words. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from ccos.domain.prompt import Language
from ccos.domain.ticket import Ticket
from ccos.providers.rules.text import bounded

Detected = Literal["ko", "en", "ja", "zh", "other", "unknown"]
"""What a customer writes; "unknown" without letters. Replies can be drafted in "ko" and "en" only."""

_NOT_PROSE = re.compile(
    r"https?://\S+|www\.\S+|[\w.+-]+@[\w-]+\.[\w.]+|\b(?=[\w-]*\d)[A-Za-z0-9][\w-]*|"
    r"\b[A-Z]{2,}\b|[A-Za-z]+(?=[가-힣])"
)
_HANGUL = re.compile(r"[가-힣]+")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")
_MIN_KOREAN = 10
_KOREAN_SENTENCE = re.compile(r"[가-힣](?:니다|니까|요|죠|싶은데)(?=[\s.?!~,ㅠㅜ]|$)")
_QUOTED = re.compile(r"[\"'“‘][^\"'”’\n]{1,80}[\"'”’]")
_CAPITALISED = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+")

_KANA = re.compile(r"[ぁ-ゖァ-ヺｦ-ﾝ]")
_HAN = re.compile(r"[一-鿿㐀-䶿々]")
_STRANGE = re.compile(r"(?![A-Za-zªº가-힣ㄱ-ㆎᄀ-ᇿぁ-ヿｦ-ﾟ一-鿿㐀-䶿々])[^\W\d_]")
"""A letter of neither script that is read here: Cyrillic, Thai, Arabic, Devanagari, letters with accents."""

_WORDS = re.compile(r"[^\W\d_]+")
_ENGLISH = frozenset(
    _WORDS.findall(
        "the a an is are was were be been am i my me you your it its this that to of for in on at and or not "
        "no do does did have has can could will would please what when where why how with from if but there"
    )
)
_FOREIGN = frozenset(
    _WORDS.findall(
        # Spanish, French, German, Portuguese and Italian, Vietnamese and Indonesian; without accents
        "el la los las un una que de del en por para con mi su es esta estoy ha pero como cuando donde hola "
        "le les des une est pas je vous mon ma votre avec pour dans sur qui bonjour merci commande pedido "
        "der die das ein eine ist nicht ich sie mein meine und mit fur auf wo wann bitte danke noch geld "
        "um uma nao meu minha voce seu obrigado onde quando il lo gli che non sono mio mia grazie gracias "
        "toi ban khong cua la va cho duoc hang xin saya anda tidak yang dan untuk sudah belum pesanan ini"
    )
)


def detected(text: str) -> Detected:
    """The language of a text; a foreign one is said only where it clearly is: names and loans are none."""
    prose = _NOT_PROSE.sub(" ", bounded(text))
    kana, han, strange = (len(pattern.findall(prose)) for pattern in (_KANA, _HAN, _STRANGE))
    told = language_in(text)
    if told is not None and told[0] == "ko":
        korean = sum(map(len, _HANGUL.findall(prose)))
        if korean >= max(kana + han, strange) or _KOREAN_SENTENCE.search(_QUOTED.sub(" ", prose)):
            return "ko"
    latin = sum(map(len, _LATIN_WORD.findall(prose))) / 2.5
    if kana + han > max(latin, strange):
        return "ja" if kana and kana * 10 >= kana + han else "zh"
    if strange > latin:
        return "other"
    if told is None:
        return "unknown"
    words = _WORDS.findall(_plain(prose))
    foreign, english = (sum(word in known for word in words) for known in (_FOREIGN, _ENGLISH))
    return "other" if foreign >= 2 and foreign > english else "en"


def _plain(text: str) -> str:
    """Small letters without accents: ¿Dónde está? and donde esta read the same."""
    apart = unicodedata.normalize("NFKD", text).lower()
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).replace("đ", "d")


def language_of(ticket: Ticket) -> tuple[Language, float]:
    """The language of the last customer message; one without letters follows the rest of what the customer
    wrote, then the desk's own label.
    """
    for text in (ticket.last_customer_text, ticket.customer_text):
        if (told := language_in(text)) is not None:
            return told
    label = (ticket.language or "").lower()
    return ("en", 0.5) if label.startswith("en") else ("ko", 0.5)


def language_in(text: str) -> tuple[Language, float] | None:
    """The language of a message by script, with names, codes and addresses left out; None without letters.

    Who writes one Korean sentence of their own reads Korean, however much English stands around it (an error
    message, a forwarded mail); Korean names and quoted words in an English message do not count.
    """
    prose = _CAPITALISED.sub(" ", _NOT_PROSE.sub(" ", bounded(text)))
    korean = sum(map(len, _HANGUL.findall(prose)))
    english = sum(map(len, _LATIN_WORD.findall(prose))) / 2.5
    if korean + english < 1:
        return None
    share = korean / (korean + english)
    if share < 0.5 and korean >= _MIN_KOREAN and _KOREAN_SENTENCE.search(_QUOTED.sub(" ", prose)):
        return "ko", 0.6
    return ("ko", share) if share >= 0.5 else ("en", 1.0 - share)
