"""What the costs are told with, in English and Korean."""

from __future__ import annotations

from ccos.domain.prompt import Language

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("Costs of {whose}", "{whose}의 비용"),
    "tenant": ("tenant {slug!r}", "테넌트 {slug!r}"),
    "all_tenants": ("all tenants", "모든 테넌트"),
    "days_of": ("{first} to {last}, days of {timezone}.", "{first}부터 {last}까지, {timezone} 기준 하루."),
    "nothing": ("Nothing was called or spent in these days.", "이 기간에는 호출도 지출도 없습니다."),
    "begun": (
        "Nothing was called or spent before {day}.",
        "{day} 이전에는 호출도 지출도 없습니다.",
    ),
    "spent": ("spent", "지출"),
    "premium": ("all premium", "모두 프리미엄일 때"),
    "saved": ("saved", "절감"),
    "a_draft": ("a draft", "초안 1건"),
    "month": ("month, forecast", "이달 예상"),
    "forecast": ("Forecast: {low} to {high}; {made}.", "예상 범위: {low}~{high}. {made}."),
    "made": (
        "spent so far this month, plus the mean of the last {days} full days for each of {left} days left; "
        "the range is two standard deviations of that sum",
        "이달 지금까지의 지출에 최근 {days}일의 평균을 남은 {left}일만큼 더했고, 범위는 그 합의 표준편차 두 배입니다",
    ),
    "saved_is": (
        "All premium is what the accepted answers, those of local tiers, rules and cache among them, would have "
        "cost on the premium model.",
        "‘모두 프리미엄일 때’는 받아들인 답변(로컬 단계, 규칙, 캐시 포함)을 모두 프리미엄 모델로 썼을 때의 비용입니다.",
    ),
    "drifted": (
        "On {day} {who} reported {share:.0%} more than we estimated for the same {calls} calls; check its price.",
        "{day}: {who}이(가) 같은 호출 {calls}건에 대해 추정보다 {share:.0%} 많게 보고했습니다. 가격을 확인하세요.",
    ),
    "drifted_less": (
        "On {day} {who} reported {share:.0%} less than we estimated for the same {calls} calls; check its price.",
        "{day}: {who}이(가) 같은 호출 {calls}건에 대해 추정보다 {share:.0%} 적게 보고했습니다. 가격을 확인하세요.",
    ),
    "not_in_ledger": (
        "{x} were charged for calls whose ledger rows are missing: a process was killed before it wrote them, "
        "or its holds were charged whole.",
        "장부에 기록이 없는 호출에 {x}이(가) 청구되었습니다. 프로세스가 기록하기 전에 종료되었거나, 남긴 예약이 "
        "전액 청구되었습니다.",
    ),
    "on_hold": (
        "{x} are on hold for calls that have not been settled; a running `ccos serve` or `ccos worker` settles "
        "them.",
        "아직 정산되지 않은 호출에 {x}이(가) 예약되어 있습니다. 실행 중인 `ccos serve`나 `ccos worker`가 정산합니다.",
    ),
    "days_title": (
        "Spent, and what the premium model would have cost",
        "지출과 프리미엄 모델이었을 때의 비용",
    ),
    "days_desc": ("Spent and all-premium cost of each day", "날짜별 지출과 모두 프리미엄일 때의 비용"),
    "who_title": ("Who gave the answers", "답변한 단계"),
    "who_desc": ("Share of each tier in the answers", "단계별 답변 비율"),
    "by_day": ("Day by day", "날짜별"),
    "no_answer": ("No answer was used.", "사용한 답변이 없습니다."),
    "of_answers": ("Of {n:,} answers.", "답변 {n:,}건 기준입니다."),
    "tier_0": ("cloud", "클라우드"),
    "tier_1": ("local", "로컬"),
    "tier_2": ("tiny", "소형"),
    "tier_3": ("rules", "규칙"),
    "tier": ("tier", "단계"),
    "provider": ("provider", "공급자"),
    "model": ("model", "모델"),
    "calls": ("calls", "호출"),
    "answers": ("answers", "답변"),
    "cached": ("cached", "캐시"),
    "failed": ("failed", "실패"),
    "drift": ("drift", "차이"),
    "day": ("day", "날짜"),
}


class Words:
    """Texts of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._place = 1 if language == "ko" else 0

    def __call__(self, key: str, **values: object) -> str:
        return _WORDS[key][self._place].format(**values)

    def whose(self, slug: str | None) -> str:
        """Of one tenant, or of all for None."""
        return self("all_tenants") if slug is None else self("tenant", slug=slug)

    def tier(self, name: str) -> str:
        return self(name) if name in _WORDS else name


ENGLISH = Words("en")
