"""What a replay's page is told with, in English and Korean."""

from __future__ import annotations

from ccos.domain.prompt import Language

_WORDS: dict[str, tuple[str, str]] = {
    "title": (
        "Cost and quality, replayed",
        "비용과 품질: 지난 기록으로 다시 계산한 결과",
    ),
    "lead": (
        "{n:,} outcomes from {file}. The weak model alone reaches {weak}, the strong one {strong}; a "
        "weak call costs {ratio} of a strong one.",
        "{file}의 결과 {n:,}건으로 계산했습니다. 약한 모델만 쓰면 품질이 {weak}, 강한 모델만 쓰면 "
        "{strong}입니다. 약한 모델을 한 번 부르는 비용은 강한 모델의 {ratio}배입니다.",
    ),
    "honest": (
        "Every policy is scored on prompts it has not seen. The budget for {kept} is read off its curve.",
        "모든 방식은 학습에 쓰지 않은 질문으로 평가했습니다. {kept} 지점의 예산은 같은 곡선에서 읽은 "
        "값입니다.",
    ),
    "no_answers": (
        "There are no answers of the weak model, so no gate was replayed.",
        "약한 모델의 답변이 없어 게이트(답변을 읽고 거르는 점검)는 계산하지 않았습니다.",
    ),
    "some_answers": (
        "Some prompts have no answer of the weak model; the gate saw them empty.",
        "일부 질문에는 약한 모델의 답변이 없어, 게이트가 빈 답변으로 보았습니다.",
    ),
    "saving": (
        "Saving at {kept} of the strong model's quality: to compare",
        "강한 모델 품질의 {kept}를 지킬 때의 절감(비교용)",
    ),
    "saving_is": (
        "Compares the ways of sending tickets with each other: what is saved, against always asking "
        "the strong model, while the mean quality stays at {kept} of its. It promises nothing of a "
        "single answer.",
        "문의를 나누는 방식끼리 비교하는 값입니다. 평균 품질을 강한 모델의 {kept}로 지키면서, 항상 "
        "강한 모델만 쓸 때보다 얼마나 아끼는지를 나타냅니다. 답변 하나하나의 품질을 보장하지는 "
        "않습니다.",
    ),
    "plan": (
        "Saving at a required quality of {required}: to plan with",
        "요구 품질 {required}에서 예상되는 절감(계획용)",
    ),
    "plan_is": (
        "Plan with this one: it is how CCOS works. The cheap answers that are kept must be good "
        "{required:.0%} of the time, and the others go on to the strong model; {gate} is counted on. A "
        "certified threshold keeps somewhat less.",
        "예산은 이 값으로 세워 주세요. CCOS가 실제로 일하는 방식입니다. 그대로 쓰는 약한 모델의 "
        "답변 중 {required:.0%} 이상이 좋아야 하고, 나머지는 강한 모델로 보냅니다. {gate}를 기준으로 "
        "계산했으며, 인증된 기준으로는 이보다 조금 덜 아낍니다.",
    ),
    "best": (
        "{name}; 95 % interval: {low} to {high}",
        "{name}, 95% 신뢰 구간: {low}~{high}",
    ),
    "apgr": (
        "APGR: quality bought by the budget",
        "APGR(예산이 품질로 이어지는 정도)",
    ),
    "apgr_is": (
        "How much of the gap between the two models is closed, on average over all budgets: sending "
        "tickets at random closes 0.5, knowing the outcome comes nearest to 1.",
        "약한 모델과 강한 모델의 품질 차이를 얼마나 메우는지를 모든 예산에 걸쳐 평균한 값입니다. "
        "무작위 배정이면 0.5이고, 결과를 미리 알 때 1에 가장 가깝습니다.",
    ),
    "apgr_head": (
        "APGR",
        "APGR",
    ),
    "curve": ("Quality by cost", "비용에 따른 품질"),
    "curve_desc": (
        "Mean quality over what a ticket costs, in calls of the strong model. The dashed slope is "
        "sending at random; the dashed level is {kept} of the strong model's quality, and a large dot "
        "is where a policy first reaches it.",
        "문의 한 건의 비용(강한 모델 호출 수)에 따른 평균 품질입니다. 기울어진 점선은 무작위 배정, "
        "수평 점선은 강한 모델 품질의 {kept}입니다. 큰 점은 각 방식이 그 품질에 처음 이르는 곳입니다.",
    ),
    "cost": (
        "cost of a ticket",
        "문의 한 건의 비용",
    ),
    "quality": ("quality", "품질"),
    "tip": (
        "{name}: quality {quality}, cost {cost}, {share} to the strong model",
        "{name}: 품질 {quality}, 비용 {cost}, 강한 모델로 보낸 비율 {share}",
    ),
    "table": (
        "The policies",
        "방식별 비교",
    ),
    "table_note": (
        "A policy that reads the weak answer and one that does not are two classes; their figures are "
        "not compared with each other without saying so.",
        "약한 모델의 답변을 읽고 정하는 방식과 읽지 않고 정하는 방식은 종류가 다릅니다. 두 종류의 "
        "수치를 비교할 때는 그 점을 함께 밝혀 주세요.",
    ),
    "policy": (
        "policy",
        "방식",
    ),
    "policy_is": (
        "table: by how the weak model did on such tickets before; router: by the words of the ticket; "
        "gate: by the weak model's answer; oracle: knowing the outcome, a bound nobody reaches.",
        "유형별 통계표는 비슷한 문의에서 약한 모델이 낸 성적을, 라우터는 문의 글을, 게이트는 약한 "
        "모델의 답변을 보고 정합니다. 결과를 미리 아는 경우는 아무도 넘을 수 없는 상한입니다.",
    ),
    "acts": (
        "acts",
        "정하는 때",
    ),
    "before": (
        "before the call",
        "답변 전",
    ),
    "after the call": (
        "after the call",
        "답변 후",
    ),
    "auroc": ("AUROC", "AUROC"),
    "auroc_is": (
        "The chance that a good weak answer scores above a bad one: 0.5 is a coin, 1 is perfect.",
        "약한 모델의 좋은 답변이 나쁜 답변보다 높은 점수를 받을 확률입니다. 0.5면 동전 던지기와 같고, "
        "1이면 빠짐없이 가려냅니다.",
    ),
    "cost_is": (
        "In calls of the strong model, where the policy first reaches {kept} of its quality.",
        "각 방식이 강한 모델 품질의 {kept}에 처음 이를 때의 비용이며, 강한 모델을 한 번 부르는 비용을 "
        "1로 봅니다.",
    ),
    "strong_share_is": (
        "The share of tickets that the strong model answers there.",
        "그 지점에서 강한 모델이 답하는 문의의 비율입니다.",
    ),
    "ci": ("95 %", "95% 구간"),
    "saved": (
        "saving, to compare",
        "절감(비교용)",
    ),
    "strong_share": (
        "to strong",
        "강한 모델로 보낸 비율",
    ),
    "feasible": (
        "Is the saving feasible?",
        "목표한 만큼 아낄 수 있는가",
    ),
    "feasible_note": (
        "CCOS decides by a required quality, so this is the saving to plan with; the one in the table "
        "compares policies.",
        "CCOS는 요구 품질을 기준으로 판단하므로, 계획은 이 값으로 세워 주세요. 표의 절감은 방식끼리 "
        "비교하기 위한 값입니다.",
    ),
    "feasible_yes": (
        "A saving of {wanted} at a required quality of {required} is feasible: with {gate} expect "
        "{expected}.",
        "요구 품질 {required}에서 {wanted}를 아낄 수 있습니다. {gate}로 {expected} 절감을 예상합니다.",
    ),
    "feasible_perfect": (
        "A saving of {wanted} at a required quality of {required} takes a perfect gate (at most "
        "{most}); with {gate} expect {expected}.",
        "요구 품질 {required}에서 {wanted}를 아끼려면 게이트가 완벽해야 합니다(최대 {most}). "
        "{gate}로는 {expected} 절감을 예상합니다.",
    ),
    "feasible_no": (
        "A saving of {wanted} at a required quality of {required} is not feasible: no gate saves more "
        "than {most}.",
        "요구 품질 {required}에서 {wanted}를 아낄 수는 없습니다. 게이트가 아무리 좋아도 {most}를 넘지 "
        "못합니다.",
    ),
    "feasible_loss": (
        "A saving of {wanted} at a required quality of {required} is not feasible: with any gate, asking the "
        "weak model first costs as much as it saves or more.",
        "요구 품질 {required}에서 {wanted}를 아낄 수는 없습니다. 어떤 게이트를 쓰더라도 약한 모델에 먼저 "
        "물으면 아끼는 만큼 비용이 들거나 더 듭니다.",
    ),
    "this_gate": (
        "this gate",
        "여기서 측정한 게이트",
    ),
    "good_gate": (
        "a good gate",
        "일반적으로 좋은 게이트",
    ),
    "needed": (
        "It would be with a weak model that is good on {rate} of the tickets.",
        "약한 모델이 문의의 {rate} 이상에 좋은 답변을 내면 가능합니다.",
    ),
    "table_policy": (
        "table",
        "유형별 통계표",
    ),
    "router": (
        "router",
        "라우터",
    ),
    "table + router": (
        "table + router",
        "통계표 + 라우터",
    ),
    "answer length": ("answer length", "답변 길이"),
    "gate": ("gate", "게이트"),
    "gate + table + router": (
        "gate + table + router",
        "게이트 + 통계표 + 라우터",
    ),
    "gate + router": ("gate + router", "게이트 + 라우터"),
    "router, then gate": (
        "router, then gate",
        "라우터 다음에 게이트",
    ),
    "random": (
        "random",
        "무작위 배정",
    ),
    "always cheap": (
        "always cheap",
        "항상 약한 모델",
    ),
    "always strong": ("always strong", "항상 강한 모델"),
    "oracle": (
        "oracle",
        "결과를 미리 아는 경우",
    ),
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
