"""Names in Latin letters that begin with a well-known given name, or that only a word at their side shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

_CAPITAL = r"[A-Z][a-z]+(?:-[A-Za-z][a-z]+)?"
_PARTICLE = r"(?:van|von|de|da|del|der|bin|al|la)(?=\s(?:der\s|la\s)?[A-Z])"
_PART = rf"(?:(?:Mc|Mac|O'|D'|De|Van|Von|Al-|El-)?{_CAPITAL}|{_PARTICLE})"
_END = "(?![A-Za-z-])"
_WORD = re.compile(r"(?<![A-Za-z'.-])[A-Z][a-z]{1,11}(?![a-z])")
_SURNAMES = re.compile(rf"(?:-[A-Z][a-z]+)?(?:\s[A-Z]\.)?(?:\s{_PART}){{1,3}}{_END}")
_TALKED = (
    r"\b(?:talk(?:ed|ing)|spoke|spoken|speak(?:ing)?|chatted|chatting|dealt|dealing|met)\s(?:to|with)"
    r"|\b(?:hi|hello|hey|dear),?|\bask(?:ed|ing)? for|\bthank(?:s| you),?|\b(?:this|here) is"
    r"|\bi'm|\bi am|\bit's|\b(?:should|must) (?:say|be|read)|\bnot"
)
_WHO = (
    r"\b(?:agent|rep|representative|advisor|operator|technician|driver|manager|colleague|assistant|specialist"
    r"|named|called|by|(?:my|his|her|our) (?:son|daughter|wife|husband|mother|mom|father|dad|brother|sister"
    r"|friend|partner|roommate|boss|aunt|uncle|nephew|niece|cousin))"
)
_DESK = r"(?:billing|support|sales|accounts?|customer|shipping)\b"
_DID = r"(?:told|promised|said|assured|called|emailed|helped|answered)\s"
_GIVEN = "[A-Z][a-z]{1,11}"
_BEGINS = r"(?<![A-Za-z])(?=[A-Za-z])"
_ALONE = re.compile(
    rf"{_BEGINS}(?:(?i:{_TALKED}|{_WHO}),?\s(?P<name>{_GIVEN}){_END}"
    rf"|(?P<here>{_GIVEN})(?=(?i:\shere[,.!]|\sfrom\s(?:your\s|the\s|{_DESK})|\sin\s(?:your\s)?{_DESK}|\s{_DID})))"
    rf"|(?:^|[.!?]\s+|\n)[-–—~ ]{{0,3}}(?P<signed>{_GIVEN})[.!]?\s*\Z"
)
_INITIAL = re.compile(
    rf"{_BEGINS}(?i:by|for|to|name|named|from|attn|contact|recipient|holder|is|under|mr|ms|mrs|dr|c/o)[.:]?\s"
    r"(?P<name>(?:[A-Z]\.\s?){1,2}[A-Z][a-z]{2,14}(?:-[A-Z][a-z]+)?)(?![A-Za-z])"
)
_REGARDS = (
    r"(?:best|kind|warm|many|with)?\s?(?:regards|wishes|sincerely|thanks|thank you|best|cheers|yours"
    r"|respectfully)"
    r"(?:\s(?:regards|wishes|truly|sincerely|again|in advance|so much|a lot|and regards|faithfully))?"
)
_SIGNED = re.compile(
    rf"(?:^|\n)\s*(?i:--|{_REGARDS})\s?[,.!-]?\s*\n\s*[-~]?\s?(?P<name>(?:[A-Z]\.\s?){{0,2}}"
    r"[A-Z][A-Za-z'-]+(?:\s[A-Z]\.)?(?:\s[A-Z][A-Za-z'-]+){0,2})\s*(?=\n|\Z)"
)
_FOR = (
    r"c/o|contact|in care of|on behalf of"
    r"|registered (?:to|under|in the name of)|belongs to|signed (?:for )?by"
    r"|account (?:name|holder|owner)(?:'s name)?(?: is|:)?|recipient(?: to|:)?"
    r"|name (?:from|should be|changed to)"
    r"|changed? (?:it |the name )?(?:from|to)|booked (?:for|under|by)|order(?:ed)? (?:is )?(?:under|by|for)"
    r"|(?:booking|reservation|package|parcel|ticket|delivery|gift|passenger|guest)"
    r" (?:is |are )?(?:for|under|to)"
    r"|passengers?:?|issued to|made out to|cardholder(?: name)?:?|authori[sz]ed user:?|please add"
    r"|transfer(?:red)? to"
)
_LED = re.compile(
    rf"{_BEGINS}(?i:{_FOR})\s(?P<name>{_CAPITAL}(?:\s[A-Z]\.)?(?:\s(?:Mc|Mac|O'|De|Van|Al-)?{_CAPITAL}){{1,2}}){_END}"
)
_AND = re.compile(rf"\s?(?:and|&|,|및|와|과)\s(?P<name>{_CAPITAL}\s[A-Z][a-z]+){_END}")


@cache
def given() -> frozenset[str]:
    """Given names that many peoples write in Latin letters."""
    return _words("given_latin.txt")


@cache
def no_people() -> frozenset[str]:
    """Words that make a name one of a thing, a place or a brand."""
    return _words("no_people.txt")


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Spans of such names in folded text, and of those that go on behind `and`; linear in its length."""
    for start, end in _shown(text):
        yield start, end
        other = _AND.match(text, end)
        if other and not no_people() & set(other["name"].split()):
            yield other.span("name")


def _shown(text: str) -> Iterator[tuple[int, int]]:
    for word in _WORD.finditer(text):
        if word.group() not in given() or not (rest := _SURNAMES.match(text, word.end())):
            continue
        if not no_people() & set(rest.group().split()):
            yield word.start(), rest.end()
    for match in _ALONE.finditer(text):
        if match[group := match.lastgroup or "name"] in given():
            yield match.span(group)
    yield from (match.span("name") for match in _INITIAL.finditer(text))
    for pattern in (_SIGNED, _LED):
        for match in pattern.finditer(text):
            if not no_people() & set(match["name"].split()):
                yield match.span("name")


def _words(name: str) -> frozenset[str]:
    return frozenset(files("ccos.quality.pii").joinpath(name).read_text("utf-8").split())
