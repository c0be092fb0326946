"""Names in Latin letters, and names of other peoples written in Hangul: only where something shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ccos.quality.pii import latin_names
from ccos.quality.pii.name_context import KIN, LABEL
from ccos.quality.pii.name_shape import nouns

_CAPITAL = r"(?:[A-Z]')?[A-Z][a-z]+(?:['-][A-Za-z][a-z]+)?"
_FULL = rf"{_CAPITAL}(?:\s[A-Z]\.)?(?:[ -]{_CAPITAL}){{1,2}}"
_SYLLABLE = (
    "(?:a|ah|ae|an|bae|beom|bin|bo|bok|bong|byeo[nl]|byung|chae|chan|chang|cheol|chul|da|dae|dan|do|dong|eul|eun|"
    "eon|ga|geon|gi|gil|gu|gun|gyeong|gyu|ha|hae|han|hee|heon|ho|hong|hun|hoon|hwa|hwan|hwi|hye|hyeok|hyuk|hyeon|"
    "hyun|hyung|i|il|in|jae|jan|je|jeong|jung|jeon|ji|jin|joo|ju|joon|jun|jong|jee|kang|keun|ki|kwang|kyu|kyung|"
    "mi|min|mo|moon|mun|myeong|myung|na|nam|ok|pil|ra|ri|ran|reum|rim|rin|ro|ryeo|rye|sang|se|seo|seok|suk|seol|"
    "seon|sun|seong|sung|seung|si|sik|so|sol|song|soo|su|sook|tae|taek|u|uk|un|wan|won|woo|wook|woong|wu|ye|yeon|"
    "yeong|yong|yoo|yu|yoon|yun|young|yul|eui|ui|am|ik|ran|hui|chun|hyo|jang|kuk|mee|nari|yeol|hyang|yang|neul|byeol|bit|seul|ryul|gyeol|bi|bom|dam|yeoreum|areum|nuri|bora)"
)
_SURNAME = (
    "(?:Kim|Lee|Yi|Rhee|Park|Pak|Bak|Choi|Choe|Jung|Jeong|Chung|Kang|Gang|Cho|Jo|Yoon|Yun|Jang|Chang|Lim|Im|Rim|"
    "Han|Oh|Seo|Suh|Shin|Sin|Kwon|Gwon|Hwang|Ahn|An|Song|Yoo|Yu|Ryu|Hong|Jeon|Jun|Ko|Go|Koh|Moon|Mun|Yang|Son|Sohn|"
    "Bae|Baek|Paik|Heo|Hur|Nam|Shim|Sim|Noh|Roh|Ha|Kwak|Gwak|Sung|Seong|Cha|Joo|Ju|Woo|Wu|Koo|Ku|Gu|Min|Na|Ra|Jin|Ji|"
    "Um|Eom|Chae|Won|Cheon|Bang|Kong|Gong|Hyun|Ham|Byun|Byeon|Yeom|Choo|Do|So|Suk|Seok|Sun|Seol|Ma|Gil|Wi|Pyo|Myung|"
    "Ki|Wang|Ok|In|Maeng|Je|Tak|Kook|Namgung|Hwangbo|Jegal)"
)
_ROMAN = rf"{_SURNAME}[ ,/]{{1,2}}{_SYLLABLE}[- ]?{_SYLLABLE}"
_ROMAN_BACK = rf"{_SYLLABLE}[- ]?{_SYLLABLE}\s{_SURNAME}"
_NAME_LABEL = (
    r"(?:이름|[성존]함|성명|본명|실명|예금주|수취인|수령[인자]|(?:받는|보내는|보낸|받을)\s?(?:분|사람)|예약자|주문자|입금자|명의자?|"
    r"기사|상담원|담당자|투숙객|탑승[객자]|강사)(?:의?\s?(?:영문명?|이름))?"
)
_WORD = r"[A-Z][A-Za-z'-]{1,15}"

_ENGLISH = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r"(?<![A-Za-z])(?=[A-Za-z,])(?i:\bmy (?:full )?name is|\bname(?: is| to|:| =)|\brecipient(?:'s name)?(?: is| to|:)?|\bholder(?: is|:)?|\battn:?"
        r"|\battention:?|\bcontact:|\bunder the name(?: of)?|, name|\bin the name of|\b(?:ship|send|deliver|address)(?:ed)?"
        r"(?: it| this| them)? to|\bcustomer:?|\bagent:?|\bdriver:?|\bspoke (?:with|to)|\btalked (?:with|to)|\bask(?:ed)? for|"
        r"\bgift for|\b(?:cc:|from:|to:|rep|representative|courier|technician|patient|guest|passenger|buyer|seller|sender|"
        r"receiver|husband|wife|son|daughter|mother|father|friend|brother|sister|colleague):?(?: is)?(?: named| called)?)"
        rf"\s(?P<name>{_FULL})",
        r"(?<![A-Za-z])(?=[A-Za-z,])(?i:\bmy (?:full )?name is|\bname is|\bname:|\bunder the name(?: of)?|, name|\bin the name of|\bcontact:|\battn:?)"
        rf"\s(?P<name>{_CAPITAL}\b)",
        rf"(?i:\bi am|\bi'm|\bthis is|\bit's)\s(?P<name>{_FULL})"
        r"(?=[,.!]|\sfrom|\scalling|\swriting|\shere|\sand\s|$)",
        rf"\b(?:[Mm]rs?|[Mm]s|[Mm]iss|[Dd]r)\.?\s(?P<name>{_FULL}|{_CAPITAL})",
        rf"(?i:^(?:best |kind |warm )?(?:regards|sincerely|thanks|thank you|best|cheers|yours)),?"
        rf"\s*\n\s*(?P<name>{_FULL}|{_CAPITAL})\s*$",
        rf"(?i:\bdear|\bhi|\bhello)\s(?P<name>{_FULL})(?=,)",
        rf"(?<![A-Za-z])(?P<name>(?-i:(?=[A-Z]))(?i:{_ROMAN}|{_ROMAN_BACK}))(?![A-Za-z-])",
        rf"(?:{_NAME_LABEL}|{KIN}|영문명?)(?:은|는|이|가|을|를|인|명)?[\s:=(|]{{1,3}}"
        rf"(?P<name>{_WORD}(?:\s{_WORD}){{1,2}})",
        rf"(?P<name>{_WORD}(?:\s{_WORD}){{1,2}})"
        r"\s?(?:앞으로|님|씨|고객님|고객입|께|에게|한테|이라고\s|라고\s합|이라는\s분|라는\s분|이름으로|명의)",
    )
)
_LATIN = re.compile(r"[A-Z][A-Za-z]")

_VIETNAMESE = frozenset(
    (
        "응우옌 응웬 쩐 레 팜 후인 황 호앙 판 부 보 당 부이 도 호 응오 즈엉 리 쯔엉 딘 하 "
        "루엉 마이 다오 도안 람 "
    ).split()
)
_VIETNAMESE_REST = r"\s(?:티|반|득|응옥|쑤언|민|꽝|홍|투|타인|탄|낌|바오|꾸옥|후우|투이|당|비엣|뚜언|안|히엔)(?:\s[가-힣]{1,4}?){1,2}?"
_WESTERN = frozenset(
    (
        "마이클 제임스 데이비드 데이빗 로버트 윌리엄 리처드 토머스 토마스 찰스 다니엘 대니얼 매튜 "
        "앤서니 마크 폴 스티븐 앤드류 조슈아 케빈 브라이언 조지 에드워드 제이슨 제프리 라이언 "
        "제이콥 니콜라스 에릭 조나단 벤자민 사무엘 알렉산더 알렉스 알렉세이 패트릭 피터 메리 마리 "
        "마리아 퍼트리샤 제니퍼 제니 린다 엘리자베스 바버라 수잔 제시카 사라 세라 캐런 낸시 리사 "
        "베티 산드라 애슐리 킴벌리 에밀리 도나 미셸 캐럴 아만다 멜리사 데보라 스테파니 레베카 "
        "로라 샤론 신시아 캐서린 에이미 안젤라 안나 애나 루스 브렌다 니콜 올가 나탈리아 타티아나 "
        "이반 블라디미르 세르게이 드미트리 안드레이 아나스타샤 이리나 엘레나 크리스티나 크리스 "
        "크리스토퍼 소피아 소피 올리비아 엠마 이사벨라 루카스 레오 카를로스 호세 후안 디에고 "
        "페드로 안토니오 마르코 루카 줄리아 줄리 클라라 한스 존 잭 톰 벤 샘 닉 제인 앤 케이트 "
        "아흐마드 모하메드 무함마드 알리 파티마 라훌 프리야 아밋 산토스 그레이스 헬렌 엘라 노아 "
        "리암 메이 루시 올리버 이사벨 샬럿 샬롯 아멜리아 미아 에바 릴리 조이 클로이 소냐 나디아 이리나 알렉산드라 알렉산드르 "
        "아나스타시아 예카테리나 스베틀라나 옥사나 빅토리아 빅토르 미하일 니콜라이 유리 파벨 데니스 막심 압둘라 압둘 아흐메드 아흐멧 "
        "모하마드 무하마드 하산 후세인 오마르 유수프 이브라힘 칼리드 아이샤 라일라 나딤 산제이 비카스 디팍 아르준 아난드 "
        "산토시 수닐 라메시 비제이 라즈 안톤 필립 필리프 프랑수아 피에르 클로드 루이스 미겔 라파엘 곤살로 하비에르 카르멘 루시아 "
        "발렌티나 가브리엘 가브리엘라 마테오 엔리코 지오반니 줄리아나 프란체스카 로렌초 하인리히 볼프강 위르겐 페터 요한 요한나 잉그리드 "
        "라르스 스벤 에리크 올라프 바야르 간바타르 오윤 사르나이 아리운 누르 아구스 부디 데위 푸트리 리잘 로엘 조셉 조세프 "
        "도널드 케네스 게리 티모시 랄프 로저 숀 셰인 션 카일 네이선 네이슨 오스틴 딜런 루크 이안 개빈 트레이시 헤더 브리트니 타일러 "
        "하루카 하루토 유키 사쿠라 켄지 히로시 다케시 아키라 나오미 유이 겐타 쇼타 아야카 미사키 "
    ).split()
)
_JAPANESE = frozenset(
    (
        "사토 스즈키 다카하시 다나카 와타나베 이토 야마모토 나카무라 고바야시 가토 요시다 야마다 "
        "아베 우에다 마쓰다 니시무라 기시다 사카모토 모리타 후지와라 오카모토 야마자키 도쿠가와 "
        "사사키 야마구치 마쓰모토 이노우에 기무라 하야시 시미즈 모리 이케다 하시모토 야마시타 "
        "이시카와 나카지마 마에다 후지타 오가와 오카다 무라카미 하세가와 사이토 곤도 "
    ).split()
)
_CHINESE = r"[왕리장류천양황자오우주쉬쑨마후궈허가린뤄정량셰탕쉬한펑덩차오쩡샤오팅위둥판][가-힣]{1,3}"
_CHINESE_SOUND = re.compile("[샤웨쥔쉬쯔옌펑팅칭웬쉐궈쥐줴밍훙룽쩌]")
_FOREIGN_SOUND = re.compile(
    "[클슨톰릭브트프크르츠스펠웰블랭퍼버터헨쉬쥔쯔쩐웬짜띠뚜꽝샤웨즈옌펑팅칭쉐궈쥐줴김리밍훙룽쩌]"
)
_KOREAN_LETTERS = r"[가-힣]{1,6}"
_BEHIND = r"(?=\s?(?:님|씨|고객|회원|앞으로|앞\b|이름|명의|께|에게|한테|이?라(?=[\s,])|이라|라는|라고|입니다|인데|이에요|예요|이고|[이가은는의을를]?(?:[\s,./|)\]]|$)|으?로\s))"
_SHOWN = r"(?=\s?(?:님|씨(?![가-힣]{2})|고객|회원|앞으로|이름으로|명의|께|에게|한테|이라는\s|라는\s|이라고\s|라고\s))"
_TITLED = r"(?=\s?(?:님|씨(?![가-힣]{2})|고객|회원|명의|이름으로))"
_BEFORE = rf"(?:{LABEL}|{KIN})(?:은|는|이|가|을|를|인|명)?[\s:=(|]{{1,3}}"
_BEGINNINGS = "".join(sorted({name[0] for name in _VIETNAMESE | _WESTERN | _JAPANESE}))
_HANGUL_WORD = re.compile(rf"(?<![가-힣])[{_BEGINNINGS}][가-힣]{{0,11}}")
_MORE_VIETNAMESE = re.compile(rf"{_VIETNAMESE_REST}{_BEHIND}", re.MULTILINE)
_MORE_WESTERN = re.compile(rf"\s(?:[가-힣]{{1,6}}{_TITLED}|[가-힣]{{1,6}}?{_BEHIND})", re.MULTILINE)
_MORE_JAPANESE = re.compile(rf"\s?(?:[가-힣]{{1,4}}{_TITLED}|[가-힣]{{2,4}}?{_BEHIND})", re.MULTILINE)
_NO_MORE = re.compile(_SHOWN, re.MULTILINE)
_LABELLED_FIELD = re.compile(
    rf"{LABEL}\s?[:|=]\s{{0,2}}(?P<name>{_KOREAN_LETTERS}(?:[\s·]{_KOREAN_LETTERS}){{1,3}})(?=\s{{0,2}}(?:$|[,/|()\n]))",
    re.MULTILINE,
)
_NAMED_CHINESE = re.compile(
    rf"(?:{_BEFORE}(?P<name>{_CHINESE}?){_BEHIND}|(?<![가-힣])(?P<shown>{_CHINESE}?){_SHOWN})", re.MULTILINE
)
_TITLE = re.compile(r"\s?(?:고객님|님|씨)(?![가-힣]{2})")
_TWO_WORDS = re.compile(r"(?<![가-힣])(?P<name>[가-힣]{2,6}\s[가-힣]{2,6})\Z")
_LONGEST = 14


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Spans of such names in folded text; linear in its length."""
    if _LATIN.search(text):
        yield from latin_names.spans(text)
    for pattern in _ENGLISH if _LATIN.search(text) else ():
        for match in pattern.finditer(text):
            if not (nouns() | latin_names.no_people()) & set(match["name"].split()):
                yield match.span("name")
    for match in _HANGUL_WORD.finditer(text):
        if end := _in_hangul(text, match):
            yield match.start(), end
    if _FOREIGN_SOUND.search(text):
        yield from _by_sound(text)


def _in_hangul(text: str, word: re.Match[str]) -> int:
    """Where a name ends that begins with a given or family name that other peoples use; 0 for none."""
    shown, start = word.group(), word.start()
    more = None
    if shown in _VIETNAMESE:
        more = _MORE_VIETNAMESE.match(text, word.end())
    elif shown in _WESTERN:
        more = _MORE_WESTERN.match(text, word.end())
    if more and (shown in _VIETNAMESE or not _has_noun(more.group().strip())):
        return more.end()
    for length in range(2, min(6, len(shown)) + 1):
        if shown[:length] in _JAPANESE:
            given = _MORE_JAPANESE.match(text, start + length)
            return given.end() if given and given.group().strip() not in nouns() else 0
        if (
            shown[:length] in _WESTERN
            and shown[:length] not in nouns()
            and _NO_MORE.match(text, start + length)
        ):
            return start + length
    return 0


def _by_sound(text: str) -> Iterator[tuple[int, int]]:
    """Names with syllables that Korean words lack, where a label or a title shows them."""
    for match in _LABELLED_FIELD.finditer(text) if ":" in text or "|" in text else ():
        if not _has_noun(match["name"]) and _FOREIGN_SOUND.search(match["name"]):
            yield match.span("name")
    if _CHINESE_SOUND.search(text):
        for match in _NAMED_CHINESE.finditer(text):
            group = "name" if match["name"] else "shown"
            if _CHINESE_SOUND.search(match[group][1:]) and not _has_noun(match[group]):
                yield match.span(group)
    for title in _TITLE.finditer(text):
        begin = max(0, title.start() - _LONGEST)
        words = _TWO_WORDS.search(text[begin : title.start()])
        if words and not _has_noun(words["name"]) and all(map(_FOREIGN_SOUND.search, words["name"].split())):
            yield begin + words.start("name"), begin + words.end("name")


def _has_noun(name: str) -> bool:
    return any(word in nouns() or word[:2] in nouns() for word in name.split())
