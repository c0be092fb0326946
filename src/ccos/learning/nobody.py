"""Texts about a person made texts about nobody: what a labelled set may hold when it leaves the desk.

Every value found gets one that is nobody's, of the same kind and the same shape, the same one wherever it
stands and however it is spelled: an answer that quoted the ticket still does, one that quoted somebody else
still does not, and checks and features see what they saw before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import count, cycle, product

from ccos.domain.ticket import Customer
from ccos.quality.pii import LABELS, PLACEHOLDER, Kind, find, mask

_KINDS: Mapping[str, Kind] = {label: kind for kind, label in LABELS.items()}
_SURNAMES = "김박최곽윤홍황권임송허강방표맹엄"
_GIVEN = "민서지하도예수유현은윤재승정성영준진희호빈혁환석철숙경순율태규식린솔연훈원우혜아주미인선나라온별"
_PLACES = "온래솔루봄별숲샘늘빛결달담찬윤슬벗꽃들뫼"
_WORDS = tuple(
    tuple(names.split())
    for names in (
        "al bo cy ed jo lu my ty",
        "amy ben dan eva ian joe kim leo max sam tom zoe",
        "adam alex anna emma eric john lucy mary nina paul rose ryan",
        "alice brian clara david emily grace henry james laura peter sarah simon",
        "andrew daniel edward george hannah jordan martin oliver robert sophia thomas walter",
    )
)
"""Given names of two letters, of three and so on; longer ones are put together from these."""
_PHONE_DIGITS = {"02": 2, "0": 3, "82": 4}
_HANGUL = re.compile("[가-힣]")
_LATIN = re.compile("[A-Za-z]+")
_DIGIT = re.compile(r"\d")
_START, _STEP = 29_543_178_629, 73_687_879_613
"""The step has no factor in common with ten, so that no two numbers get the same digits."""
_LONG = 7
_TITLES = "고객|회원|님|씨|선생"
_LEAST_OWN = 4
"""Shorter values of the customer's own fields are looked for by the recognisers alone."""


def of_nobody(
    texts: Sequence[str], *, house: Iterable[str] = (), customer: Customer | None = None
) -> tuple[str, ...]:
    """The texts without people, in order. What stands in `house`, the company's own texts, is nobody's
    secret and stays, unless it is the customer's own. Raises Unreadable.
    """
    own = [value for value in (customer.name, customer.email, customer.phone) if value] if customer else []
    public, private = _Known(house), _Known(own)
    names = [customer.name] if customer and customer.name else []
    masked, found = mask(texts, names=names)
    invent = _Inventor()
    instead: dict[str, str] = {}
    for placeholder, value in found.values.items():
        label = PLACEHOLDER.fullmatch(placeholder)
        kind = _KINDS.get((label[1] or label[3]) if label else "")
        stays = kind is None or (value in public and value not in private and value not in own)
        instead[placeholder] = value if stays or kind is None else invent(kind, value)
    rest = {
        rf"(?<!\w){re.escape(value)}": invent(kind, value)
        for kind, value in _fields(customer)
        if len(value) >= _LEAST_OWN and value not in found.values.values()
    }
    for name in names:
        rest |= _parts(name, invent("name", name))
    return tuple(_without(PLACEHOLDER.sub(lambda m: instead.get(m[0], m[0]), text), rest) for text in masked)


def _fields(customer: Customer | None) -> list[tuple[Kind, str]]:
    if customer is None:
        return []
    given: list[tuple[Kind, str | None]] = [
        ("name", customer.name),
        ("email", customer.email),
        ("phone", customer.phone),
    ]
    return [(kind, value) for kind, value in given if value]


def _parts(name: str, other: str) -> dict[str, str]:
    """A customer is addressed by a part of the name, too: `서연님`, `Dear John`."""
    if re.fullmatch("[가-힣]{3,4}", name):
        return {rf"(?<![가-힣]){name[1:]}(?=\s?(?:{_TITLES}))": other[1:]}
    words = zip(name.split(), other.split(), strict=True)
    return {rf"\b{re.escape(a)}\b": b for a, b in words if _LATIN.fullmatch(a) and len(a) > 2}


def _without(text: str, rest: Mapping[str, str]) -> str:
    """What the customer's fields hold and no recogniser knows, where it stands as it is written there."""
    for pattern, other in rest.items():
        text = other.join(re.split(pattern, text))
    return text


class _Known:
    """The personal data in some texts, by spelling or by value."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = tuple(texts)
        self._values = {span.value for text in self._texts for span in find(text)}

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and (
            value in self._texts
            or value.casefold() in self._values
            or any(span.value in self._values for span in find(value))
        )


class _Inventor:
    """Values that are nobody's; one value gets one, in whatever spelling."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[Kind, str], int] = {}
        self._surnames = _Cipher(_SURNAMES)
        self._given = _Cipher(_GIVEN)
        self._places = _Cipher(_PLACES)
        self._words: dict[str, str] = {}

    def __call__(self, kind: Kind, value: str) -> str:
        match kind:
            case "name":
                return self._name(value)
            case "email":
                return self._email(value)
            case "birth":
                return self._birth(value)
            case "address":
                return self._address(value)
            case _:
                return self._digits(kind, value)

    def _number(self, kind: Kind, canonical: str) -> int:
        return self._numbers.setdefault(
            (kind, canonical), 1 + sum(known == kind for known, _ in self._numbers)
        )

    def _name(self, value: str) -> str:
        """Syllable by syllable, so that a given name alone is still a part of the whole."""
        hangul = len(_HANGUL.findall(value))
        at = count()
        syllables = _HANGUL.sub(
            lambda m: self._surnames(m[0]) if next(at) == 0 and hangul >= 3 else self._given(m[0]), value
        )
        return _LATIN.sub(lambda m: self._word(m[0]), _DIGIT.sub("0", syllables))

    def _word(self, word: str) -> str:
        key = word.casefold()
        if key not in self._words:
            taken = {other.casefold() for other in self._words.values()}
            self._words[key] = next(w for w in _names_of(len(key)) if w not in taken and w != key)
        found = self._words[key]
        return found.upper() if word.isupper() else found.title() if word[0].isupper() else found

    def _email(self, value: str) -> str:
        """Letter for letter before the sign, and behind it a house that nobody lives in."""
        local = value.partition("@")[0]
        n, each = str(self._number("email", value.casefold())), cycle("customer")
        shape = re.sub(r"[^\W\d_]", lambda _: next(each), re.sub(r"\d", "0", local))
        return f"{shape[: -len(n)]}{n}@example.com"

    def _birth(self, value: str) -> str:
        parts = re.findall(r"\d+", value)
        n = self._number("birth", "".join(parts))
        if len(parts) < 2:
            return _put(value, "19000101"[-len("".join(parts)) :])
        made = ["1900"[-len(parts[0]) :], *("1".zfill(len(part)) for part in parts[1:])]
        made[-1] = str((n - 1) % 28 + 1).zfill(len(parts[-1]))
        each = iter(made)
        return re.sub(r"\d+", lambda _: next(each), value)

    def _address(self, value: str) -> str:
        """Its first word, a province or a city, stays; of the others the ends, which say what they are."""
        first, *others = value.split(" ")
        n = self._number("address", re.sub(r"\s", "", value))
        words = [re.sub("[가-힣](?=[가-힣])", lambda m: self._places(m[0]), word) for word in others]
        words = [_LATIN.sub(lambda m: "x" * len(m[0]), word) for word in words]
        return _overlaid(" ".join([first, *words]), n, 0)

    def _digits(self, kind: Kind, value: str) -> str:
        digits = "".join(_DIGIT.findall(value))
        canonical = next((span.value for span in find(value)), digits)
        n = self._number(kind, canonical)
        if kind in ("resident", "foreigner") and len(digits) == 13:
            return _put(value, f"000101{digits[6]}{n:06}")
        kept = 0
        if kind == "phone":
            kept = next((k for start, k in _PHONE_DIGITS.items() if digits.startswith(start)), 0)
        return _overlaid(re.sub("[A-Za-z](?=[A-Za-z])", "x", value), n, kept)


class _Cipher:
    """A letter for a letter, the same one every time, and no two the same."""

    def __init__(self, alphabet: str) -> None:
        self._alphabet = alphabet
        self._known: dict[str, str] = {}

    def __call__(self, letter: str) -> str:
        if letter not in self._known:
            taken = set(self._known.values())
            free = (each for each in self._alphabet if each not in taken and each != letter)
            self._known[letter] = next(free, self._alphabet[len(self._known) % len(self._alphabet)])
        return self._known[letter]


def _names_of(length: int) -> Iterable[str]:
    if length < 2:
        return iter("abcdefghijklmnopqrstuvwxyz")
    if length < 2 + len(_WORDS):
        return (*_WORDS[length - 2], *("".join(w) for w in product("aeiou", repeat=length)))
    head, rest = _WORDS[-1], length - 6
    return ("".join((one, other)) for one in head for other in _names_of(rest))


def _overlaid(value: str, n: int, kept: int) -> str:
    """The shape with other digits, that are the number's own; the first `kept` stay.

    Long ones begin with a zero, as no subscriber's number and no card does. The others are no zeros, too:
    groups that were different stay different, and are not taken for some other number of the text.
    """
    digits = _DIGIT.findall(value)
    room = len(digits) - kept
    if room < 1:
        return f"{value}{n}"
    made = str((_START + n * _STEP) % 10**room).zfill(room)
    return _put(value, "".join(digits[:kept]) + ("0" + made[1:] if room >= _LONG else made))


def _put(value: str, digits: str) -> str:
    each = iter(digits)
    return _DIGIT.sub(lambda _: next(each, "0"), value)
