"""What a replay's page is told with, in English and Korean."""

from __future__ import annotations

from ccos.domain.prompt import Language

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("Cost and quality, replayed", "비용과 품질 재현"),
    "lead": (
        "{n:,} outcomes from {file}. The weak model alone reaches {weak}, the strong one {strong}; "
        "a weak call costs {ratio} of a strong one.",
        "{file}의 결과 {n:,}건. 약한 모델만 쓰면 품질 {weak}, 강한 모델만 쓰면 {strong}이며, "
        "약한 모델의 호출 비용은 강한 모델의 {ratio}배입니다.",
    ),
    "honest": (
        "Every policy is scored on prompts it has not seen. The budget for {kept} is read off its curve.",
        "모든 정책은 학습에 쓰지 않은 질문으로 평가했습니다. {kept} 지점의 예산은 같은 곡선에서 읽었습니다.",
    ),
    "no_answers": (
        "There are no answers of the weak model, so no gate was replayed.",
        "약한 모델의 답변이 없어 게이트는 재현하지 않았습니다.",
    ),
    "some_answers": (
        "Some prompts have no answer of the weak model; the gate saw them empty.",
        "일부 질문에는 약한 모델의 답변이 없어 게이트가 빈 답변으로 보았습니다.",
    ),
    "saving": ("saving at {kept} of the strong model's quality", "강한 모델 품질의 {kept}에서 절감"),
    "best": ("{name}; 95 %: {low} to {high}", "{name}, 95% 구간: {low}~{high}"),
    "apgr": ("APGR", "APGR"),
    "apgr_is": (
        "how much of the gap between the models is closed, over all budgets; lots close 0.5",
        "모든 예산에 걸쳐 두 모델의 차이를 메운 정도. 제비뽑기는 0.5",
    ),
    "curve": ("Quality by cost", "비용에 따른 품질"),
    "curve_desc": (
        "Mean quality over what a ticket costs, in calls of the strong model. The dashed slope draws lots; "
        "the dashed level is {kept} of the strong model's quality, and a large dot is where a policy first "
        "reaches it.",
        "티켓 하나의 비용(강한 모델 호출 수)에 따른 평균 품질입니다. 기울어진 점선은 제비뽑기, "
        "수평 점선은 강한 모델 품질의 {kept}이며, 큰 점은 각 정책이 그 품질에 처음 닿는 곳입니다.",
    ),
    "cost": ("cost of a ticket", "티켓당 비용"),
    "quality": ("quality", "품질"),
    "tip": (
        "{name}: quality {quality}, cost {cost}, {share} to the strong model",
        "{name}: 품질 {quality}, 비용 {cost}, 강한 모델로 {share}",
    ),
    "table": ("The policies", "정책"),
    "table_note": (
        "A policy that reads the weak answer and one that does not are two classes; their figures are not "
        "compared with each other without saying so.",
        "약한 모델의 답변을 읽는 정책과 읽지 않는 정책은 서로 다른 부류입니다. "
        "두 부류의 수치를 비교할 때는 그 점을 밝혀야 합니다.",
    ),
    "policy": ("policy", "정책"),
    "acts": ("acts", "시점"),
    "before": ("before the call", "호출 전"),
    "after the call": ("after the call", "호출 후"),
    "auroc": ("AUROC", "AUROC"),
    "ci": ("95 %", "95% 구간"),
    "saved": ("saving", "절감"),
    "strong_share": ("to strong", "강한 모델로"),
    "feasible": ("Is the saving feasible?", "절감 목표는 가능한가"),
    "feasible_yes": (
        "A saving of {wanted} at a required quality of {required} is feasible: with {gate} expect "
        "{expected}.",
        "요구 품질 {required}에서 {wanted} 절감은 가능합니다. {gate}로 {expected} 절감을 기대할 수 있습니다.",
    ),
    "feasible_perfect": (
        "A saving of {wanted} at a required quality of {required} takes a perfect gate (at most {most}); "
        "with {gate} expect {expected}.",
        "요구 품질 {required}에서 {wanted} 절감은 완벽한 게이트라야 가능합니다(최대 {most}). "
        "{gate}로는 {expected}입니다.",
    ),
    "feasible_no": (
        "A saving of {wanted} at a required quality of {required} is not feasible: no gate saves more than "
        "{most}.",
        "요구 품질 {required}에서 {wanted} 절감은 불가능합니다. 어떤 게이트로도 {most}를 넘지 못합니다.",
    ),
    "this_gate": ("this gate", "이 게이트"),
    "good_gate": ("a good gate", "좋은 게이트"),
    "needed": (
        "It would be with a weak model that is good on {rate} of the tickets.",
        "약한 모델이 티켓의 {rate}에서 좋은 답변을 내면 가능합니다.",
    ),
    "table_policy": ("table", "집계표"),
    "router": ("router", "라우터"),
    "table + router": ("table + router", "집계표 + 라우터"),
    "answer length": ("answer length", "답변 길이"),
    "gate": ("gate", "게이트"),
    "gate + table + router": ("gate + table + router", "게이트 + 집계표 + 라우터"),
    "gate + router": ("gate + router", "게이트 + 라우터"),
    "router, then gate": ("router, then gate", "라우터 다음 게이트"),
    "random": ("random", "제비뽑기"),
    "always cheap": ("always cheap", "항상 약한 모델"),
    "always strong": ("always strong", "항상 강한 모델"),
    "oracle": ("oracle", "정답을 아는 정책"),
}


class Words:
    """Texts of one language."""

    def __init__(self, language: Language) -> None:
        self._place = 1 if language == "ko" else 0

    def __call__(self, key: str, **values: object) -> str:
        return _WORDS[key][self._place].format(**values)

    def policy(self, name: str) -> str:
        """A policy's name; one that has no words of its own keeps its name."""
        key = "table_policy" if name == "table" else name
        return self(key) if key in _WORDS else name
