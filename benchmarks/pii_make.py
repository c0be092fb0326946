# ruff: noqa: E501, SIM905  the tables are read across
"""Fills the frames of the labelled set of personal data: the same seed gives the same lines.

    python benchmarks/pii_make.py dev --seed 41 > src/ccos/sample/pii/ko-pii-dev.jsonl
    python benchmarks/pii_make.py dev2 --seed 42 > src/ccos/sample/pii/ko-pii-dev2.jsonl
    python benchmarks/pii_make.py dev3 --seed 43 > src/ccos/sample/pii/ko-pii-dev3.jsonl
    python benchmarks/pii_make.py test --seed 44 > src/ccos/sample/pii/ko-pii-test.jsonl

Every number is invented here: random digits, example domains, made-up streets.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Callable
from importlib.resources import files

from ccos.quality.pii import checksums

TIMES = 4
"""Lines made of one frame."""

SURNAMES = (
    "김이박최정강조윤장임한오서신권황안송류전홍고문양손배백허남심노하곽성차주우구민진지엄채원천방공현함변염추"
)
GIVEN = """민수 서연 지훈 하은 도윤 수아 예준 지우 시우 서윤 하준 민서 주원 채원 은지 현우 지민 유진 성호 미영 영희 철수 정훈 혜진 동현
수빈 재민 나연 승현 다은 태윤 보라 경아 상철 순자 말순 병철 금희 옥순 은우 가온 라희 세아 준 솔 빈 율""".split()
FIRST = "Minsu Jisoo Hana Daniel Emma Olivia Lucas Sofia Henry Grace Noah Chloe Peter Maria".split()
LAST = "Kim Park Lee Choi Johnson Garcia Miller Novak Tanaka Brown O'Brien Schmidt".split()
ROADS = "달무리로 새벽로 은빛대로 가람로 소나무길 한마음로 물결로 푸른솔로 노을길 참빛대로".split()
QUARTERS = "가온동 새빛동 나래동 하늘동 다솜동 미르동".split()
CITIES = [
    "서울 강남구",
    "서울시 마포구",
    "부산 해운대구",
    "경기도 성남시 분당구",
    "대전 유성구",
    "인천광역시 연수구",
    "제주시",
    "경북 포항시 북구",
]
DASHES = ["-", "-", "-", "-", " ", ".", " - ", "–", "—", "\u200b-", "ㅡ", ""]


class Filler:
    def __init__(self, dice: random.Random) -> None:
        self.d = dice

    def digits(self, n: int) -> str:
        return "".join(self.d.choice("0123456789") for _ in range(n))

    def join(self, *parts: str, dashes: list[str] | None = None) -> str:
        text = self.d.choice(dashes or DASHES).join(parts)
        return self.wide(text) if self.d.random() < 0.04 else text

    def wide(self, text: str) -> str:
        return text.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789-"})

    def phone(self) -> str:
        a, b = str(self.d.randint(2000, 9999)), self.digits(4)
        how = self.d.random()
        if how < 0.06:
            spoken = "공일이삼사오육칠팔구"
            say = lambda s: "".join(spoken[int(c)] for c in s)  # noqa: E731
            return f"{say('010')} {say(a)} {say(b)}"
        if how < 0.12:
            return self.d.choice([f"+82-10-{a}-{b}", f"+82 10 {a} {b}", f"+8210{a}{b}", f"82-10-{a}-{b}"])
        if how < 0.16:
            return self.d.choice(
                [f"010-{a}-\n{b}", f"(010) {a}-{b}", f"010.{a}.{b}", f"**010**-{a}-{b}", f"o1o-{a}-{b}"]
            )
        return self.join(self.d.choice(["010"] * 9 + ["011"]), a, b)

    def landline(self) -> str:
        area = self.d.choice(["02", "031", "051", "042", "064", "070"])
        return self.d.choice(
            [
                f"{area}-{self.d.randint(200, 999)}-{self.digits(4)}",
                f"{area}){self.d.randint(2000, 8999)}-{self.digits(4)}",
            ]
        )

    def safe(self) -> str:
        return self.join("050" + self.digits(1), self.digits(4), self.digits(4), dashes=["-", "-", ""])

    def fphone(self) -> str:
        return self.d.choice(
            [
                f"+1 {self.d.randint(201, 989)}-555-01{self.digits(2)}",
                f"({self.d.randint(201, 989)}) 555-01{self.digits(2)}",
                f"+44 20 7946 0{self.digits(3)}",
                f"+81-90-{self.d.randint(1000, 9999)}-{self.digits(4)}",
            ]
        )

    def person(self, markers: str, weights: str) -> str:
        year = self.d.randint(50, 99) if markers[0] in "15" else self.d.randint(0, 9)
        day = f"{year:02}{self.d.randint(1, 12):02}{self.d.randint(1, 28):02}"
        front, back = day, self.d.choice(markers) + self.digits(5)
        check = next(c for c in "0123456789" if getattr(checksums, weights)(front + back + c))
        last = check if self.d.random() < 0.5 else self.digits(1)
        how = self.d.random()
        if how < 0.08:
            return f"{front}-{back[0]}******"
        if how < 0.14:
            return f"{front} - {back}{last}"
        if how < 0.18:
            return f"{front}-\n{back}{last}"
        return self.join(front, back + last)

    def resident(self) -> str:
        return self.person(self.d.choice(["12", "34"]), "resident")

    def foreigner(self) -> str:
        return self.person(self.d.choice(["56", "78"]), "foreigner")

    def luhn(self, prefix: str, n: int) -> str:
        body = prefix + self.digits(n - 1 - len(prefix))
        return body + next(c for c in "0123456789" if checksums.luhn(body + c))

    def card(self) -> str:
        if self.d.random() < 0.1:
            n = self.luhn("37", 15)
            return self.join(n[:4], n[4:10], n[10:], dashes=["-", " "])
        n = self.luhn(self.d.choice(["4000", "5100", "2223", "9400", "6500", "3560"]), 16)
        return self.join(n[:4], n[4:8], n[8:12], n[12:], dashes=["-", "-", " ", "", ".", " - "])

    def cvc(self) -> str:
        return self.digits(3)

    def account(self) -> str:
        groups = self.d.choice(
            [(3, 3, 6), (6, 2, 6), (3, 4, 4, 2), (4, 3, 6), (3, 6, 5), (4, 2, 7), (12,), (13,), (14,)]
        )
        first = str(self.d.randint(1, 9))
        parts = [self.digits(n) for n in groups]
        parts[0] = first + parts[0][1:]
        return self.join(*parts, dashes=["-", "-", "-", " "])

    def business(self) -> str:
        body = str(self.d.randint(100, 899)) + self.digits(6)
        n = body + next(c for c in "0123456789" if checksums.business(body + c))
        return self.join(n[:3], n[3:5], n[5:], dashes=["-", "-", "-", ""])

    def passport(self) -> str:
        return self.d.choice(
            [
                f"M{self.digits(8)}",
                f"M{self.digits(3)}{self.d.choice('ABCDEFGH')}{self.digits(4)}",
                f"S{self.digits(8)}",
            ]
        )

    def license(self) -> str:
        return self.join(
            str(self.d.choice([11, 12, 13, 21, 26, 28])),
            self.digits(2),
            self.digits(6),
            self.digits(2),
            dashes=["-", "-", " ", ""],
        )

    def customs(self) -> str:
        return self.d.choice("PPPp") + self.digits(12)

    def email(self) -> str:
        who = self.d.choice(
            ["minsu.kim", "j_park88", "hello+shop", "sky2001", "no.name", "ha-eun", "01099998888", "a.b.c"]
        )
        return f"{who}@{self.d.choice(['example.com', 'example.co.kr', 'mail.example.org', 'EXAMPLE.NET'])}"

    def address(self) -> str:
        n, room = self.d.randint(2, 250), f"{self.d.randint(101, 120)}동 {self.d.randint(101, 2505)}호"
        city, road, quarter = self.d.choice(CITIES), self.d.choice(ROADS), self.d.choice(QUARTERS)
        return self.d.choice(
            [
                f"{city} {road} {n}, {room}",
                f"{city} {road} {n}",
                f"{city} {quarter} {n}-{self.d.randint(1, 40)}",
                f"{quarter} {n}-{self.d.randint(1, 40)}번지",
                f"{road} {n}, {room}",
                f"{city} {road}{self.d.randint(2, 90)}번길 {n}",
                f"{quarter} 한빛아파트 {room}",
                f"{city} {road} {n} ({quarter}) {self.d.randint(2, 20)}층",
            ]
        )

    def eaddress(self) -> str:
        return self.d.choice(
            [
                f"{self.d.randint(2, 250)} Dalmuri-ro, Gaon-gu, Seoul",
                f"Apt {self.d.randint(101, 120)}-{self.d.randint(101, 999)}, {self.d.randint(2, 99)} Saebyeok-daero, Busan",
                f"{self.d.randint(12, 999)} {self.d.choice(['Maple', 'Harbor', 'Old Mill'])} {self.d.choice(['Street', 'Road', 'Avenue'])}, Springfield",
            ]
        )

    def plate(self) -> str:
        return f"{self.d.randint(10, 999)}{self.d.choice(['가', '나', '허', '호', '오', '무'])}{self.d.choice(['', '', ' '])}{self.digits(4)}"

    def ci(self) -> str:
        return (
            "".join(
                self.d.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
                for _ in range(86)
            )
            + "=="
        )

    def birth(self) -> str:
        y, m, d = self.d.randint(1950, 2009), self.d.randint(1, 12), self.d.randint(1, 28)
        return self.d.choice(
            [
                f"{y}.{m:02}.{d:02}",
                f"{y}-{m:02}-{d:02}",
                f"{y}년 {m}월 {d}일",
                f"{y % 100:02}{m:02}{d:02}",
                f"{y}{m:02}{d:02}",
            ]
        )

    def ebirth(self) -> str:
        return self.d.choice(["1990-04-17", "12 March 1985", "04/23/1979", "June 3, 1992"])

    def name(self) -> str:
        while True:
            made = self.d.choice(SURNAMES) + self.d.choice(GIVEN)
            if len(made) == 3 or self.d.random() < 0.3:
                return made

    def ename(self) -> str:
        return f"{self.d.choice(FIRST)} {self.d.choice(LAST)}"

    def plain(self, kind: str) -> str:
        d, r = self.digits, self.d.randint
        y, m, day = r(2024, 2026), r(1, 12), r(1, 28)
        choices: dict[str, Callable[[], list[str]]] = {
            "order": lambda: [
                f"{y}{m:02}{day:02}-{d(6)}",
                f"{y}{m:02}{day:02}{d(5)}",
                f"{r(20, 26)}{m:02}{day:02}-{r(1, 4)}{d(6)}",
                f"A{d(9)}",
                f"{r(20, 26)}{m:02}{day:02}{r(1, 4)}{d(6)}",
            ],
            "parcel": lambda: [
                d(10),
                d(12),
                f"{r(1000, 9999)}-{d(4)}-{d(4)}",
                d(13),
                d(14),
                self.luhn("4", 16),
            ],
            "date": lambda: [
                f"{y}-{m:02}-{day:02}",
                f"{y}.{m}.{day}",
                f"{m}월 {day}일",
                f"{y}년 {m}월 {day}일",
                f"{y}/{m:02}/{day:02}",
            ],
            "time": lambda: [
                f"{r(9, 22)}:{r(0, 59):02}",
                f"오후 {r(1, 11)}시",
                f"오전 {r(7, 11)}시 {r(1, 59)}분",
            ],
            "won": lambda: [
                f"{r(1, 990)},{d(3)}원",
                f"{r(1, 90)}만원",
                f"{r(1000, 990000)}원",
                f"₩{r(1, 990)},{d(3)}",
                f"{r(1, 9)},{d(3)},{d(3)}원",
            ],
            "usd": lambda: [f"${r(3, 900)}.{r(10, 99)}", f"{r(3, 900)} USD"],
            "line": lambda: [
                f"{self.d.choice(['15', '16', '18'])}{r(10, 99)}-{d(4)}",
                f"{self.d.choice(['15', '16', '18'])}{r(10, 99)}{d(4)}",
            ],
            "ver": lambda: [
                f"{r(1, 20)}.{r(0, 20)}.{r(0, 20)}",
                f"v{r(1, 9)}.{r(0, 99)}",
                f"{r(1, 9)}.{r(0, 9)}.{r(0, 99)}.{r(0, 9999)}",
            ],
            "ip": lambda: [
                f"10.{r(0, 255)}.{r(0, 255)}.{r(1, 254)}",
                f"192.168.{r(0, 255)}.{r(1, 254)}:8080",
            ],
            "code": lambda: [
                f"{self.d.choice(['AB', 'KX', 'M'])}{d(5)}",
                f"SM-{d(3)}N",
                f"P{d(12)}",
                f"M{d(8)}",
                f"{r(10, 99)}하{d(4)}",
                f"{d(4)}-{d(4)}-{d(4)}",
            ],
            "coupon": lambda: [f"{d(4)}-{d(4)}-{d(4)}-{d(4)}", f"WELCOME{d(4)}", d(16)],
            "barcode": lambda: [f"880{d(10)}", f"8809{d(9)}", f"978{d(10)}"],
            "corp": lambda: [self._corporate()],
            "pt": lambda: [f"{r(1, 99)},{d(3)}", str(r(100, 9999))],
            "n": lambda: [str(r(1, 30))],
            "approval": lambda: [d(8), d(10)],
            "ticket": lambda: [f"#{d(6)}", f"{y}{m:02}{day:02}{d(4)}", f"T-{d(8)}"],
            "dec": lambda: [f"{r(1, 20)}.{r(1, 9)}", f"{r(1200, 1500)}.{r(10, 99)}"],
            "zip": lambda: [d(5)],
        }
        return self.d.choice(choices[kind]())

    def _corporate(self) -> str:
        body = self.d.choice(["1101", "1301", "2101"]) + self.d.choice(["11", "12"]) + "0" + self.digits(5)
        n = body + next(c for c in "0123456789" if checksums.corporate(body + c))
        return f"{n[:6]}-{n[6:]}"


KINDS = {
    "landline": "phone",
    "safe": "phone",
    "fphone": "phone",
    "ename": "name",
    "eaddress": "address",
    "ebirth": "birth",
    "cvc": "card",
}


def fill(frame: str, filler: Filler) -> dict[str, object]:
    text, spans, at = "", [], 0
    frame = frame.replace("\\n", "\n")
    for slot in re.finditer(r"\{(~?)(\w+)\}", frame):
        text += frame[at : slot.start()]
        at = slot.end()
        if slot[1]:
            text += filler.plain(slot[2])
        else:
            value = getattr(filler, slot[2])()
            spans.append([len(text), len(text) + len(value), KINDS.get(slot[2], slot[2])])
            text += value
    return {"text": text + frame[at:], "spans": spans}


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("half", choices=["dev", "dev2", "dev3", "test"])
    wanted.add_argument("--seed", type=int, required=True)
    given = wanted.parse_args()
    filler = Filler(random.Random(given.seed))
    frames = files("ccos.sample").joinpath(f"pii/frames-{given.half}.txt").read_text("utf-8").splitlines()
    for frame in (line for line in frames if line and not line.startswith("#")):
        made = {
            json.dumps(fill(frame, filler), ensure_ascii=False) for _ in range(TIMES if "{" in frame else 1)
        }
        print(*sorted(made), sep="\n")


if __name__ == "__main__":
    main()
