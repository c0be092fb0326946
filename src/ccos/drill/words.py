"""What the report says, in English and Korean."""

from __future__ import annotations

from ccos.domain.prompt import Language
from ccos.drill.faults import FAULTS

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("Outage drill", "장애 훈련"),
    "lead": (
        "{faults} of {tier} rehearsed with {drafts} drafts on {when}",
        "{tier}의 장애 {faults} · 초안 {drafts}건 · {when}",
    ),
    "one_fault": ("“{title}”", "“{title}”"),
    "many_faults": ("{n} faults", "{n}가지"),
    "all_held": ("Every promise that was measured holds.", "측정한 약속을 모두 지켰습니다."),
    "not_held": (
        "{n} of the promises measured did not hold.",
        "측정한 약속 가운데 {n}개를 지키지 못했습니다.",
    ),
    "nothing_measured": ("Nothing was measured.", "측정한 것이 없습니다."),
    "absent": (
        "{tier} wrote none of {n} drafts without a fault ({reasons}), so nothing about it was measured.",
        "{tier}이(가) 장애가 없을 때의 초안 {n}건을 하나도 쓰지 않아({reasons}), 이 단계에 대해서는 측정한 것이 없습니다.",
    ),
    "not_asked": ("it was not asked", "호출하지 않음"),
    "interrupted": (
        "The drill was stopped before its end; this is what was done until then.",
        "훈련이 끝나기 전에 멈추었습니다. 그때까지의 결과입니다.",
    ),
    "simulated_badge": ("Simulated {tier}", "모의 {tier}"),
    "promises": ("Promises", "약속"),
    "promise": ("promise", "약속"),
    "verdict": ("verdict", "판정"),
    "measured": ("measured", "측정값"),
    "aim": ("aim", "목표"),
    "counted": ("counted", "표본"),
    "pass": ("held", "지킴"),
    "fail": ("not held", "못 지킴"),
    "not_measured": ("not measured", "측정 안 함"),
    "answered": ("Drafts that came in time", "제시간에 나온 초안"),
    "switched": ("Switches to another tier that worked", "다른 단계로 전환 성공"),
    "fallback_quality": ("Quality of the fallback", "대체 답변의 품질"),
    "back": ("Back on the tier", "원래 단계로 복귀"),
    "one_probe": ("Probes at recovery", "복구 확인 호출"),
    "money": ("Spent", "지출"),
    "at_least": ("at least {x}", "{x} 이상"),
    "more_than": ("more than {x}", "{x} 초과"),
    "at_most": ("at most {x}", "{x} 이하"),
    "beside": ("with {x} of them accepted", "이 중 품질 기준을 넘은 초안 {x}"),
    "never_back": ("did not come back", "복귀하지 않음"),
    "of_drafts": ("drafts: {n}", "초안 {n}건"),
    "of_outages": ("outages: {n}", "장애 {n}회"),
    "before": ("before", "전"),
    "during": ("outage", "장애"),
    "recovery": ("recovery", "복구 중"),
    "after": ("after", "후"),
    "tier_0": ("tier_0 cloud", "tier_0 클라우드"),
    "tier_1": ("tier_1 local model", "tier_1 로컬 모델"),
    "tier_2": ("tier_2 tiny model", "tier_2 소형 모델"),
    "tier_3": ("tier_3 rules", "tier_3 규칙"),
    "none": ("no draft", "초안 없음"),
    "mix_title": ("Who answered, over time", "시간에 따른 답변 단계"),
    "mix_desc": (
        "Share of drafts by the tier that wrote them, in the order they were begun; outage and recovery are shaded.",
        "초안을 쓴 단계의 비율입니다. 시작한 순서대로 그렸고, 장애와 복구 구간은 음영으로 표시했습니다.",
    ),
    "latency_title": ("Seconds a draft took, over time", "시간에 따른 초안 소요 시간(초)"),
    "latency_desc": (
        "One dot a draft, coloured by tier, on a logarithmic scale; the dashed line is the deadline.",
        "점 하나가 초안 하나이며 색은 단계입니다. 로그 눈금이고 점선은 제한 시간입니다.",
    ),
    "axis_note": (
        "Each stretch is drawn equally wide; below it stands how long it lasted.",
        "구간은 모두 같은 너비로 그렸고, 아래에 실제 길이를 적었습니다.",
    ),
    "axis_note_faults": (
        "Each phase is drawn equally wide; numbers are those of the table of faults.",
        "구간은 모두 같은 너비로 그렸고, 번호는 장애별 수치 표의 번호입니다.",
    ),
    "axis_faults": ("number of the fault", "장애 번호"),
    "deadline": ("deadline", "제한 시간"),
    "shares_title": ("Availability and coverage by phase", "구간별 가용성과 커버리지"),
    "shares_desc": (
        "Drafts that came in time, that are useful (ready or for review), and that are ready as they are.",
        "제시간에 나온 초안, 쓸 수 있는 초안(바로 사용 또는 검토), 바로 쓸 수 있는 초안의 비율입니다.",
    ),
    "in_time": ("in time", "제시간"),
    "useful": ("useful", "쓸 수 있음"),
    "ready": ("ready", "바로 사용"),
    "quality_title": ("Quality by phase", "구간별 품질"),
    "quality_desc": (
        "Mean score of the useful drafts, with the share of drafts that are useful below; the line is the aim.",
        "쓸 수 있는 초안의 평균 점수이며 아래는 쓸 수 있는 초안의 비율입니다. 선은 목표입니다.",
    ),
    "cost_title": ("Cost of 100 drafts by phase", "구간별 초안 100건 비용"),
    "cost_desc": (
        "USD for attempts whose answer was used, and for attempts that failed or were refused.",
        "답변을 사용한 시도와, 실패하거나 거절된 시도의 비용(USD)입니다.",
    ),
    "cost_used": ("used", "사용됨"),
    "cost_in_vain": ("failed or refused", "실패 또는 거절"),
    "fault_mix_title": ("Who answered during each outage", "장애별 답변 단계"),
    "fault_mix_desc": (
        "Share of drafts by the tier that wrote them, while the fault lasted.",
        "장애가 지속되는 동안 초안을 쓴 단계의 비율입니다.",
    ),
    "fault_latency_title": ("Seconds a draft took during each outage", "장애별 초안 소요 시간(초)"),
    "fault_latency_desc": (
        "Median (dot), 95th percentile (bar) and slowest draft (tick), on a logarithmic scale.",
        "중앙값(점), 95번째 백분위(막대), 가장 느린 초안(눈금). 로그 눈금입니다.",
    ),
    "as_table": ("The same as a table", "표로 보기"),
    "phases_table": ("Figures by phase", "구간별 수치"),
    "faults_table": ("Every fault", "장애별 수치"),
    "phase": ("phase", "구간"),
    "fault": ("fault", "장애"),
    "drafts": ("drafts", "초안"),
    "quality": ("quality", "품질"),
    "p50": ("p50", "p50"),
    "p95": ("p95", "p95"),
    "max": ("max", "최대"),
    "cost": ("cost", "비용"),
    "failed_cost": ("cost of failed attempts", "실패한 시도의 비용"),
    "calls": ("calls to the tier", "해당 단계 호출"),
    "switch": ("switched", "전환"),
    "back_after": ("back after", "복귀까지"),
    "reasons": ("what the attempts said", "시도의 사유"),
    "mix": ("written by", "작성 단계"),
    "notes": ("How to read this", "읽는 법"),
    "note_injected": (
        "The faults were injected inside this process. Calls that were to fail were not sent (only “five times slower” "
        "asks the provider itself), and the product that serves, its breakers, queues, drafts and database were not touched.",
        "장애는 이 프로세스 안에서만 일으켰습니다. 실패할 호출은 보내지 않았고(“다섯 배 느림”만 공급자에게 실제로 묻습니다), 운영 중인 "
        "제품의 차단기, 대기열, 초안, 데이터베이스는 건드리지 않았습니다.",
    ),
    "note_sample": (
        "Tickets and knowledge are those of the sample shop; each phase drafts the same {n} tickets.",
        "문의와 지식은 샘플 쇼핑몰의 것이며, 구간마다 같은 문의 {n}건을 사용했습니다.",
    ),
    "note_simulated": (
        "{name} is simulated: a scripted provider that answers from the evidence after 0.05 to 0.3 s. Its money "
        "is play money at $2.50 and $10 per million tokens; its quality and speed say nothing of a real cloud.",
        "{name}은(는) 모의 공급자입니다. 근거로 0.05~0.3초 뒤에 답하는 정해진 프로그램이며, 비용은 100만 토큰당 $2.50와 "
        "$10로 계산한 가상의 금액입니다. 품질과 속도는 실제 클라우드와 무관합니다.",
    ),
    "note_scorer": (
        "Quality comes from {scorer}: the probability that a person sends the draft as it is or lightly edited. "
        "Read it together with the share of drafts that reach what is required.",
        "품질은 {scorer}가 매긴, 사람이 초안을 그대로 또는 조금만 고쳐 보낼 확률입니다. 품질 기준을 넘은 초안의 비율과 함께 보아야 합니다.",
    ),
    "note_charged": (
        "Attempts that failed are charged as the product would charge them, although these were billed by "
        "nobody.",
        "실패한 시도는 제품이 실제로 계상하는 방식대로 계산했지만, 이번 훈련에서 청구된 금액은 아닙니다.",
    ),
    "note_out_of_money": (
        "The drill's own money, {most}, was used up or on hold at times: then the tier was not asked, which says nothing of it.",
        "훈련에 정한 금액 {most}이(가) 소진되었거나 예약되어, 해당 단계를 호출하지 못한 때가 있습니다. 이는 그 단계의 상태와 무관합니다.",
    ),
    "note_skipped": (
        "{s} s of idle waiting for breakers and rate limits were skipped on the drill's own clock; the drill "
        "took {lasted} s.",
        "차단기와 속도 제한을 기다리는 유휴 시간 {s}초는 훈련용 시계에서 건너뛰었으며, 실제로는 {lasted}초가 걸렸습니다.",
    ),
    "note_restart": (
        "A refused key stays off until it is replaced, which takes a restart: the drill restarted its own "
        "service when the fault ended.",
        "거절된 키는 교체하고 다시 시작할 때까지 쓰지 않습니다. 훈련에서는 장애가 끝날 때 훈련용 서비스를 다시 시작했습니다.",
    ),
    "note_shared_before": (
        "The phase “before” was done once for all faults; each fault met a service that knew nothing of the "
        "ones before it.",
        "“전” 구간은 모든 장애에 한 번만 수행했고, 장애마다 이전 장애를 모르는 새 서비스를 사용했습니다.",
    ),
    "setup": ("What was rehearsed with", "훈련 구성"),
    "provider": ("provider", "공급자"),
    "model": ("model", "모델"),
    "tier": ("tier", "단계"),
    "kind": ("kind", "구분"),
    "kind_simulated": ("simulated", "모의"),
    "kind_paid": ("paid", "유료"),
    "kind_free": ("free", "무료"),
    "settings": ("Settings that differ from the defaults", "기본값과 다른 설정"),
    "no_settings": ("Every setting has its default.", "모든 설정이 기본값입니다."),
    "setting": ("setting", "설정"),
    "value": ("value", "값"),
    "source": ("from", "출처"),
    "mode": ("mode", "모드"),
    "seconds_each": ("seconds for a draft", "초안 제한 시간(초)"),
    "at_once": ("drafts at a time", "동시 초안"),
    "nothing": (
        "No draft was made, so there is nothing to show.",
        "만든 초안이 없어 보여 드릴 내용이 없습니다.",
    ),
    "seconds": ("{x} s", "{x}초"),
}


class Words:
    """Texts of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._place = 1 if language == "ko" else 0

    def __call__(self, key: str, **values: object) -> str:
        return _WORDS[key][self._place].format(**values)

    def fault(self, name: str) -> str:
        """A fault's title."""
        fault = FAULTS[name]
        return fault.title_ko if self.language == "ko" else fault.title_en
