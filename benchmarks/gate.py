"""How long the gate takes for one answer, beside the bare heuristic and with the plan before it.

    python benchmarks/gate.py [--rounds N]

Realistic replies of about 600 characters with five evidence passages and a ticket; every family of vetoes
looks. What passages of the knowledge base say is remembered, so that each row is there twice: with passages
seen before, and with five that are all new (their words are not: tickets of one desk share them). `ratio` is
the median of CPU time over that of the bare heuristic, which reads the answer alone. The last rows show that
time grows with the text and not faster. Figures are microseconds of one call.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial

from ccos.domain.evidence import Evidence, EvidenceKind, Visibility
from ccos.domain.prompt import Answer, Grounds, Language, Prompt, Turn
from ccos.domain.tenant import TenantSettings
from ccos.domain.ticket import Customer, Message, Ticket
from ccos.domain.tier import Task
from ccos.quality import Gate, HeuristicBaseline
from ccos.quality.pii import classify
from ccos.quality.reading import Reading
from ccos.quality.scorer import LearnedScorer, shipped
from ccos.tiers.predicting import Counts

WARM_UP = 20

KOREAN_REPLY = """안녕하세요, 김민수 고객님. 불편을 드려 죄송합니다.
문의하신 주문번호 20261103-12345의 결제 금액 35,000원과 관련해 안내드립니다.

1. 앱에서 [주문내역] 메뉴를 열고 해당 주문을 선택해 주세요.
2. 화면 아래의 [환불 신청] 버튼을 누르신 뒤 사유를 골라 주세요.
3. 신청이 접수되면 010-1234-5678로 문자를 보내 드립니다.

환불은 상품 회수 후 3영업일 안에 처리되며, 카드사에 따라 5~7일이 더 걸릴 수 있습니다 [1].
단순 변심의 경우 왕복 배송비 6,000원은 고객님께서 부담하시게 됩니다 [2].
상품이 파손되어 도착했다면 사진을 첨부해 주시면 확인 후 안내드리겠습니다.
보내실 때에는 받으신 그대로 포장해 주시고, 사은품이 있었다면 함께 넣어 주세요. 회수 기사님이 방문하기 전에
문자로 시간을 알려 드리니 잠시만 기다려 주시면 됩니다.
자세한 절차는 https://help.example.co.kr/refund/guide 에서 보실 수 있습니다.

고객센터(1588-1234) 운영 시간은 평일 오전 9시부터 오후 6시까지입니다.
추가로 궁금하신 점은 언제든지 문의해 주세요. 감사합니다."""
ENGLISH_REPLY = """Hello Minsu, thank you for writing, and sorry for the trouble with order 20261103-12345.

To send the item back, please open Orders in the app, choose the order of Nov 3 and press Return. After
we have the parcel, refunds are processed within 3 business days [1]; your card company may need another 5
to 7 days. If you changed your mind, return shipping of 6,000 won is on you [2]. If the item arrived damaged,
attach a photo and we will look into it. You find every step at https://help.example.co.kr/refund/guide. Our
lines are open from 9 am to 6 pm on weekdays. Please write back any time.

Best regards,
Example Support"""
PASSAGE = """환불은 상품 회수 후 3영업일 안에 처리됩니다(3 business days).
카드사에 따라 5~7일이 더 걸릴 수 있습니다. 단순 변심은 수령 후 7일 안에 신청하실 수 있고
왕복 배송비 6,000원은 고객 부담입니다. 파손이나 오배송은 사진을 확인한 뒤 무료로 회수합니다.
절차는 https://help.example.co.kr/refund/guide 에 있습니다.
고객센터 1588-1234는 평일 09:00~18:00에 운영합니다. 앱의 주문내역에서 환불 신청을 누르고
사유를 고르면 접수되며, 접수 결과는 문자로 안내합니다. 신청 뒤에는 상품을 받은 그대로
포장해 주세요. 사은품이 있으면 함께 보내야 합니다."""
INTERNAL = """상담원 전용: 반복 환불 고객은 팀장 승인이 필요하다. 승인 번호는 시스템에 남기고
고객에게는 말하지 않는다. 회수 기사가 이틀 넘게 오지 않으면 택배사 담당자와 통화한다.
5만원이 넘는 건은 증빙 사진을 두 장 받는다. 처리 결과는 당일 메모에 기록한다."""
SYSTEM = "You write reply drafts for a support desk. Use only the numbered passages and cite them. " * 20


def case(text: str, language: Language, edition: str = "") -> tuple[Prompt, Answer]:
    evidence = tuple(
        Evidence(
            n=n,
            kind=EvidenceKind.CASE if n == 4 else EvidenceKind.KB,
            id=f"e{n}",
            title="환불 안내",
            snippet=INTERNAL if n == 5 else f"{PASSAGE} ({n}쪽{edition})",
            score=1.0,
            visibility=Visibility.INTERNAL if n == 5 else Visibility.PUBLIC,
        )
        for n in range(1, 6)
    )
    asked = (
        "11월 3일에 35,000원 주고 산 상품(주문번호 20261103-12345)을 환불하고 싶어요. 010-1234-5678입니다."
    )
    ticket = Ticket(
        subject="환불 문의",
        description=asked,
        customer=Customer(name="김민수", phone="010-1234-5678"),
        conversation_history=(
            Message(role="customer", text=asked),
            Message(role="agent", text="확인하고 있습니다."),
            Message(role="customer", text="언제 되나요?"),
        ),
    )
    settings = TenantSettings(company={"ko": "예시몰", "en": "Example"}, contact={"ko": "1588-1234"})
    grounds = Grounds(ticket=ticket, evidence=evidence, language=language, settings=settings)
    prompt = Prompt(Task.SOLUTION_DRAFT, SYSTEM, (Turn("user", asked),), grounds)
    return prompt, Answer(text=text, provider="bench", model="bench-7b")


def microseconds(job: Callable[[], object], rounds: int) -> tuple[float, ...]:
    """p50 and p95 by the wall clock, then by CPU time, which busy neighbours do not lengthen."""
    for _ in range(WARM_UP):
        job()
    wall, cpu = [], []
    for _ in range(rounds):
        start, start_cpu = time.perf_counter_ns(), time.thread_time_ns()
        job()
        cpu.append((time.thread_time_ns() - start_cpu) / 1_000)
        wall.append((time.perf_counter_ns() - start) / 1_000)
    return tuple(sorted(taken)[int(rounds * share)] for taken in (wall, cpu) for share in (0.5, 0.95))


def rows(name: str, text: str, language: Language, rounds: int) -> Iterator[tuple[str, tuple[float, ...]]]:
    """What is measured, and its figures; the heuristic first."""
    from planning import counted, predicted  # benchmarks/planning.py, which measures plans with this file

    counts = Counts(counted())
    prompt, answer = case(text, language)
    bare, vetoes, trained = HeuristicBaseline(), Gate(), Gate(LearnedScorer(shipped()))
    reading = Reading(text, prompt, answer)
    yield f"bare heuristic, {name}", microseconds(lambda: bare.score(reading), rounds)

    def planned(prompt: Prompt) -> object:
        predicted(counts, prompt)
        return trained.judge(prompt, answer)

    jobs: tuple[tuple[str, Callable[[Prompt], object]], ...] = (
        ("vetoes", lambda prompt: vetoes.judge(prompt, answer)),
        ("vetoes and learned score", lambda prompt: trained.judge(prompt, answer)),
        ("plan, vetoes, learned score", planned),
    )
    for n, (what, job) in enumerate(jobs):
        unseen = iter([case(text, language, f" {n}.{m}판")[0] for m in range(rounds + WARM_UP)])
        yield f"{what}, {name}, seen", microseconds(partial(job, prompt), rounds)
        yield f"{what}, {name}, unseen", microseconds(lambda job=job, new=unseen: job(next(new)), rounds)  # type: ignore[misc]
    yield f"pii.classify(), {name}", microseconds(lambda: classify(text), rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=1_000)
    rounds = parser.parse_args().rounds
    heads = " ".join(f"{head:>10}" for head in ("p50 us", "p95 us", "cpu p50", "cpu p95", "ratio"))
    print(f"{'what':46} {'chars':>6} {heads}")
    for name, text, language in (("ko reply", KOREAN_REPLY, "ko"), ("en reply", ENGLISH_REPLY, "en")):
        base = None
        for what, figures in rows(name, text, language, rounds):  # type: ignore[arg-type]
            base = base or figures[2]
            show(what, len(text), figures, base)
    for size in (6_000, 60_000):
        prompt, answer = case((KOREAN_REPLY * (size // len(KOREAN_REPLY) + 1))[:size], "ko")
        reading, fewer = Reading(answer.text, prompt, answer), max(5, rounds * 600 // size)
        bare = microseconds(lambda r=reading: HeuristicBaseline().score(r), fewer)[2]  # type: ignore[misc]
        for what, gate in (("vetoes", Gate()), ("vetoes and learned score", Gate(LearnedScorer(shipped())))):
            figures = microseconds(lambda p=prompt, a=answer, g=gate: g.judge(p, a), fewer)  # type: ignore[misc]
            show(f"{what}, repeated reply", size, figures, bare)


def show(what: str, size: int, figures: tuple[float, ...], base: float) -> None:
    shown = " ".join(f"{figure:>10.1f}" for figure in (*figures, figures[2] / base))
    print(f"{what:46} {size:>6} {shown}")


if __name__ == "__main__":
    main()
