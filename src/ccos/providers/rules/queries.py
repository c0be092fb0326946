"""Search queries from a ticket: what is asked, without manners, anger, signatures and personal data."""

from __future__ import annotations

import re

from ccos.domain.ticket import Ticket
from ccos.providers.rules.facts import without_personal
from ccos.providers.rules.text import bounded, overlap, sentences, terms, unique

MAX_QUERIES = 3
MAX_QUERY_CHARACTERS = 500

MOST_ASKS, MOST_SENTENCES = 6, 60
"""What is read of a very long message."""

_TELLING = 5
"""Terms a further question needs to be searched alone; a vaguer one finds noise."""

_THIN = 4
"""Terms below which the last message leans on what was said before."""

_QUOTE_LINE = re.compile(r"^\s*>.*$", re.MULTILINE)
_TAIL = re.compile(
    r"\n\s*(?:-- ?$|—\s*$|-{3,}.*$|_{5,}|On .{5,80}wrote:|\d{4}년 .{3,60}작성:|sent from my |보낸 ?사람\s*:|"
    r"(?:best|kind|warm)? ?regards\b|sincerely\b|cheers,|yours |many thanks,?\s*$|"
    r"thanks,?\s*\n|나의 (?:iPhone|갤럭시)).*",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
_SIGNED = re.compile(r"(?:^|\n)\s*[가-힣]{2,4}\s*(?:드림|올림|배상)\s*\.?\s*$")
_MANNERS = re.compile(
    r"안녕하(?:세요|십니까|세여|세용)|안뇽하세요|수고(?:가|들|하십니다|하세요|"
    r"많으십니다|많으세요|하시네요)?\s*(?:많으십니다|많으세요)?"
    r"|(?:항상|늘|미리|정말|대단히)?\s*감사(?:합니다|드립니다|해요|드려요|하겠습니다)|"
    r"고맙습니다|고마워요|좋은 하루 (?:되세요|보내세요)"
    r"|(?:다름이? ?아니라|다름 아니고|죄송(?:한데요?|하지만|합니다만|합니다)|"
    r"실례(?:지만|합니다)|혹시나?|저기요?|저,)(?=[\s,.]|$)"
    r"|(?:하나|몇\s?가지|좀|간단히)?\s*(?:문의|질문|여쭤)(?:를|"
    r"을)?\s*(?:좀\s*)?(?:드립니다|드려요|드리고 싶습니다|"
    r"합니다|있습니다|있어요|드릴게요|볼게요|남깁니다|봅니다)"
    r"|(?:빠른|빨리|조속한|신속한)?\s*(?:답변|회신|연락|답장|확인|처리|조치|안내|답)\s*(?:을|를|좀)?\s*"
    r"(?:부탁\s*(?:드립니다|드려요|드릴게요|해요|합니다)|바랍니다|주세요|"
    r"기다리겠습니다|기다릴게요|해\s?주세요)"
    r"|궁금(?:합니다|해요|해서요?|하네요)|알고 싶(?:습니다|어요)|고객센터(?:님|"
    r"죠)?(?=[\s,.]|$)|담당자님|사장님"
    r"|[ㅠㅜㅋㅎㅡ;^~]+",
)
_ANGER = re.compile(
    r"(?<![가-힣])(?:(?:진짜|정말|너무)\s*)?(?:짜증\s?(?:나|납)|화가?\s?(?:나|납)|"
    r"열\s?받|어이가?\s?없|미치겠|최악|황당|실망|"
    r"장난(?:하|합)|뭐\s?하는\s?(?:거|겁)|말이\s?(?:됩|되)|"
    r"돌아버리|환장|답답)[가-힣]*|(?:씨발|시발|ㅅㅂ|개같|좆|병신|미친)[가-힣]*|"
    r"(?<![가-힣])(?:아|와|헐|참|진짜|에휴|아니)(?=[\s,.!]+)"
)
_EN_NOISE = re.compile(
    r"\b(?:hello|hi|hey|dear (?:sir(?: or madam)?|madam|team|support|customer service|"
    r"all)|good (?:morning|afternoon|evening)|to whom it may concern)\b(?: there| "
    r"team| everyone| all)?[,!.]*"
    r"|\b(?:thanks?(?: you)?(?: so much| very much| a lot| in advance)?|many thanks|cheers)\b[,!.]*"
    r"|\bi hope (?:you are|this|you're)[^.!?\n]{0,60}[.!?]|\b(?:i have|i've got|just) "
    r"(?:a|one|two|some|a few|a quick) (?:quick )?questions?\b[.:,]*"
    r"|\b(?:please|kindly)\b|\b(?:could|can|would) you (?:please )?(?:tell me|let me "
    r"know|advise|help me|explain)\b|\bi (?:was|am) (?:just )?wondering\b|\bi(?:'d| "
    r"would) like to (?:know|ask)\b"
    r"|\b(?:look(?:ing)? forward to|awaiting)[^.!?\n]{0,40}[.!?]?|\b(?:this is "
    r"(?:ridiculous|unacceptable|a joke)|i am (?:very |so )?(?:angry|furious|"
    r"disappointed|upset))[.!]*",
    re.IGNORECASE,
)
_KO_ENDING = re.compile(
    r"\s*(?:(?:하고|받고|알고)?\s?싶(?:습니다|어요|은데요?|네요)|(?:해|알려|안내해|확인해|말씀해|처리해|보내|"
    r"바꿔)\s?(?:주세요|주십시오|주시겠어요|주실 수 있나요|줘요?)"
    r"|(?:가능)?\s?(?:한가요|할까요|합니까|하나요|한지요|인가요|일까요|입니까|있나요|"
    r"있을까요|있습니까|되나요|되는지요?|될까요|됩니까)"
    r"|(?:했|됐|왔|있|없|같|었|았|겠)(?:습니다|어요|는데요?|네요)|(?:입|합|됩|옵|"
    r"납)니다|(?:이에요|예요|해요|돼요|되요|와요|나요|가요|네요|데요|거든요|어요|아요)"
    r"|(?:부탁)\s?(?:드립니다|드려요))(?=[\s.!?~,]*$)"
)
_SPLIT = re.compile(
    r"(?:^|(?<=[\s,.]))(?:그리고|그리구|그리고요|또한|또,|추가로|아울러|그\s?다음에|"
    r"하나 더|둘째로?|두\s?번째로?)[,\s]+"
    r"|(?:,|;)?\s+(?:and also|and (?=how|can|could|do|does|what|when|where|is|are|"
    r"will|would|who|which|i (?:also )?(?:want|need))|also,? |additionally,? |"
    r"secondly,? |plus,? )"
    r"|(?:^|\s)(?:[1-9][.)]|[①-⑨])\s+"
    r"|(?<=[고며]),\s+(?=[가-힣])",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\?|(?:나요|까요|가요|은지|는지|한지|인지|ㄹ지|을지|될지|할지|지요|주세요|주셔요|"
    r"주십시오|주시기|주실|바랍니다|부탁|원합니다|원해요|싶습니다|싶어요|싶은|할게요|"
    r"해줘|알려|궁금|되나|될까|합니까|입니까|습니까|됩니까|나여|하려고|하려는|하려면|"
    r"신청합니다|신청할|신청이요|요청)"
    r"|^\s*(?:how|what|when|where|which|who|why|can|could|is|are|do|does|did|will|"
    r"would|should|may|has|have)\b"
    r"|\b(?:i (?:want|need|wish|'d like)|i would like|i'd like|please|help me|tell me|"
    r"let me know|wondering|how (?:do|can|long|much))\b",
    re.IGNORECASE,
)
_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.!?\n]{0,40}\b(?:instructions?|rules?|prompts?|above)\b"
    r"|\byou are now\b|\b(?:system|developer) (?:prompt|message)\b|\bact as (?:an? )?admin\b"
    r"|(?:이전|위의?|앞의?|기존|모든)\s*(?:지시|명령|규칙|프롬프트)[^.!?\n]{0,20}(?:무시|잊|따르지)|시스템\s*프롬프트",
    re.IGNORECASE,
)
"""Sentences that are meant for a model and ask the desk nothing."""

_EDGES = " \t\n.,!?~·…:;-–—\"'“”‘’()[]{}<>*#/|"
_EMPTY_BRACKETS = re.compile(r"\(\W*\)|\[\W*\]")
_SPACE = re.compile(r"\s+")


def body_of(text: str) -> str:
    """The message itself: no quoted mail, no signature; bounded for very long texts."""
    text = _QUOTE_LINE.sub("", bounded(text))
    return _SIGNED.sub("", _TAIL.sub("", f"\n{text}")).strip()


def asks(text: str) -> list[str]:
    """The first things a message asks, each once, in order; manners like "please reply" are no question."""
    found: list[tuple[str, frozenset[str]]] = []
    for sentence in _first(sentences(body_of(text))):
        for part in _SPLIT.split(sentence):
            if not part or not _ASKS.search(part):
                continue
            about = terms(_quiet(part))
            if not about or any(overlap(about, seen) >= 0.7 for _, seen in found):
                continue
            found.append((part.strip(), about))
        if len(found) >= MOST_ASKS:
            break
    return [part for part, _ in found]


def _first(found: list[str]) -> list[str]:
    """Each sentence once, and of very many the first."""
    return unique(found)[:MOST_SENTENCES]


def queries(ticket: Ticket) -> list[str]:
    """One to three search queries for a ticket, none for a ticket without words; at most 120 characters each.

    The first has the subject on its first line, which search weighs more, and below it the most telling
    sentences. Each further question that says enough by itself gets its own. Product names and codes stay;
    names, numbers and addresses of people go.
    """
    message = ticket.last_customer_text if ticket.conversation_history else ticket.description
    text = (
        f"{ticket.subject}\n{ticket.description if len(terms(bounded(message))) < _THIN else ''}\n{message}"
    )
    told = (_clean(part, ticket) for part in _first(sentences(body_of(text))) if not _ORDERS.search(part))
    about = {line: len(found) for line in told if (found := terms(line))}
    if not about:
        plain = _line(without_personal(bounded(ticket.customer_text), ticket))
        return [plain] if len(plain) >= 2 else []
    asked = [query for ask in asks(text) if len(terms(query := _clean(ask, ticket))) >= _TELLING]
    head = _clean(ticket.subject, ticket)
    further = [_line(f"{query}\n{head}") for query in asked[1:] if overlap(terms(query), terms(head)) < 0.5]
    return unique([_packed(about), *further])[:MAX_QUERIES]


def _packed(about: dict[str, int]) -> str:
    """The first line and the most telling others, in their order, as many as fit one query."""
    lines = list(about)
    left = MAX_QUERY_CHARACTERS - len(lines[0])
    chosen = {0}
    for i in sorted(range(1, len(lines)), key=lambda i: -about[lines[i]]):
        if len(lines[i]) < left:
            chosen.add(i)
            left -= len(lines[i]) + 1
    return "\n".join(lines[i] for i in sorted(chosen))


def _quiet(text: str) -> str:
    return _EN_NOISE.sub(" ", _ANGER.sub(" ", _MANNERS.sub(" ", text)))


def _clean(text: str, ticket: Ticket) -> str:
    quiet = _EMPTY_BRACKETS.sub(" ", _quiet(without_personal(text, ticket))).strip(_EDGES)
    return _line(_KO_ENDING.sub("", quiet))


def _line(text: str) -> str:
    """Single spaces, no stray punctuation at the ends, cut at a word; a first line stays on its own."""
    line = "\n".join(_SPACE.sub(" ", part).strip(_EDGES) for part in text.split("\n") if part.strip(_EDGES))
    if len(line) <= MAX_QUERY_CHARACTERS:
        return line
    cut = line[:MAX_QUERY_CHARACTERS]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut).strip(_EDGES)
