"""What reports of evaluations are told with, in English and Korean."""

from __future__ import annotations

from ccos.domain.prompt import Language

_WORDS: dict[str, tuple[str, str]] = {
    "gate_title": ("The gate's score on labelled answers", "라벨이 있는 답변으로 본 게이트 점수"),
    "gate_lead": (
        "{n:,} answers from {files}, {share} of them good. Scorer: {scorer}.",
        "{files}의 답변 {n:,}건, 그중 좋은 답변 {share}. 채점기: {scorer}.",
    ),
    "quality_is": (
        "Quality is the calibrated probability that a person approves the answer as it is or with a light "
        "edit.",
        "품질은 사람이 답변을 그대로 또는 조금만 고쳐 승인할 확률로, 실제 승인 비율에 맞춰 보정한 값입니다.",
    ),
    "uncalibrated": (
        "What was measured is the plain heuristic: its number is not a probability.",
        "여기서 측정한 것은 단순 휴리스틱이며, 그 값은 확률이 아닙니다.",
    ),
    "cross_validated": (
        "Cross-validated: each answer was scored by a model trained on other groups of the same files.",
        "교차 검증: 각 답변은 같은 파일의 다른 묶음으로 학습한 모델이 채점했습니다.",
    ),
    "one_class": (
        "All answers have the same label, so no AUROC is defined.",
        "모든 답변의 라벨이 같아 AUROC를 정의할 수 없습니다.",
    ),
    "interval": ("95 %: {low} to {high}", "95% 구간: {low}~{high}"),
    "auroc": ("AUROC", "AUROC"),
    "auroc_is": (
        "the chance that a good answer scores above a bad one",
        "좋은 답변이 나쁜 답변보다 높은 점수를 받을 확률",
    ),
    "ece": ("ECE, 15 bins", "ECE(15개 구간)"),
    "ece_is": ("how far qualities are from what came of them", "품질과 실제 결과의 평균 차이"),
    "brier": ("Brier score", "브라이어 점수"),
    "heuristic": ("plain heuristic: {x}", "단순 휴리스틱: {x}"),
    "reliability": ("Is the quality true?", "품질 값이 맞는가"),
    "reliability_desc": (
        "Share of good answers by quality, with 95 % intervals; on the diagonal the quality is true.",
        "품질 구간별 좋은 답변의 비율과 95% 구간입니다. 대각선에 있으면 품질 값이 맞습니다.",
    ),
    "histogram": ("Where the qualities lie", "품질의 분포"),
    "histogram_desc": ("Answers by quality, good and bad ones.", "품질별 답변 수(좋은 답변과 나쁜 답변)."),
    "roc": ("Good from bad (ROC)", "좋은 답변과 나쁜 답변의 구분(ROC)"),
    "roc_desc": (
        "Share of good answers above a threshold over the share of bad ones, for all thresholds.",
        "모든 기준값에서 기준을 넘는 좋은 답변의 비율과 나쁜 답변의 비율입니다.",
    ),
    "risk": ("What accepting more costs", "더 많이 받아들일 때의 위험"),
    "risk_desc": (
        "Share of bad answers among those accepted, over the share that is accepted, from the strictest "
        "threshold to the laxest; vetoed answers are never accepted. Dots: certified here.",
        "받아들인 비율에 따른 나쁜 답변의 비율입니다. 가장 엄격한 기준부터 느슨한 기준 순이며, 거부된 답변은 "
        "받아들이지 않습니다. 점은 이 자료로 인증한 기준입니다.",
    ),
    "quality": ("quality", "품질"),
    "good_share": ("share of good ones", "좋은 답변 비율"),
    "answers": ("answers", "답변"),
    "good": ("good", "좋음"),
    "bad": ("bad", "나쁨"),
    "bad_passed": ("bad ones that pass", "통과한 나쁜 답변"),
    "good_passed": ("good ones that pass", "통과한 좋은 답변"),
    "accepted": ("accepted", "수용"),
    "bad_share": ("bad among accepted", "수용한 것 중 나쁜 답변"),
    "score": ("gate", "게이트"),
    "plain": ("plain heuristic", "단순 휴리스틱"),
    "coverage": ("Certified thresholds", "인증한 기준값"),
    "coverage_is": (
        "A threshold is certified when the labels show, with 90 % confidence, that the share of good answers "
        "above it is at least what is required. Broken: the share of resamplings in which the answers that "
        "did not certify it said otherwise.",
        "어떤 기준 이상의 답변 중 좋은 답변의 비율이 요구 수준 이상임을 라벨이 90% 신뢰도로 보이면 그 기준을 "
        "인증합니다. 깨짐은 인증에 쓰지 않은 답변에서 그 비율이 모자랐던 재표본의 비율입니다.",
    ),
    "required": ("required", "요구 품질"),
    "threshold": ("certified here from", "여기서 인증한 기준"),
    "risk_bound": ("risk at most", "위험 상한"),
    "broken": ("broken", "깨짐"),
    "shipped_coverage": ("shipped thresholds accept", "제품 기준이 수용"),
    "shipped_good": ("of them good", "그중 좋은 답변"),
    "by_task": ("By task", "작업별"),
    "by_language": ("By language", "언어별"),
    "by_generator": ("Within one generator", "답변 생성기별"),
    "by_kind": ("By how the line was made", "작성 방식별"),
    "name": ("name", "이름"),
    "vetoed": ("vetoed", "거부됨"),
    "heuristic_auroc": ("AUROC, plain heuristic", "AUROC(단순 휴리스틱)"),
    "ci": ("95 % interval", "95% 구간"),
    "vetoes": ("Vetoes", "거부 사유"),
    "any": ("any", "전체"),
    "kind": ("kind", "종류"),
    "precision": ("bad among them", "그중 나쁜 답변"),
    "recall": ("of all bad", "전체 나쁜 답변 중"),
    "time": (
        "The gate took {p50} ms an answer (95 of 100 at most {p95} ms).",
        "게이트는 답변 하나에 {p50}ms 걸렸습니다(95%가 {p95}ms 이내).",
    ),
    "tiers_title": ("The tiers, task by task", "작업별 단계 비교"),
    "tiers_lead": (
        "{n} tickets, each put to every tier with the other tiers out of reach.",
        "문의 {n}건을 다른 단계 없이 각 단계에 따로 맡겼습니다.",
    ),
    "stopped": (
        "It was stopped before its end; these are the figures until then.",
        "끝나기 전에 중단되어, 그때까지의 수치입니다.",
    ),
    "tier_0": ("cloud", "클라우드"),
    "tier_1": ("local", "로컬"),
    "tier_2": ("tiny", "소형"),
    "tier_3": ("rules", "규칙"),
    "tier": ("tier", "단계"),
    "task": ("task", "작업"),
    "question_classification": ("question classification", "문의 분류"),
    "sentiment": ("sentiment", "감정"),
    "kb_query_building": ("KB query building", "검색어 만들기"),
    "solution_drafting": ("solution drafting", "답변 초안"),
    "right": ("right", "정확"),
    "main": ("result", "결과"),
    "intent_what": ("right", "정확"),
    "sentiment_what": ("right", "정확"),
    "hit@5_what": ("found in five", "상위 5건에 있음"),
    "points_said_what": ("points said", "요점 포함"),
    "mean_quality": ("quality", "품질"),
    "accepted_share": ("accepted", "수용"),
    "gold_cited": ("cite the right procedure", "올바른 절차 인용"),
    "answered": ("answered", "응답"),
    "cost": ("cost", "비용"),
    "shares": ("What each tier gets right", "단계별 결과"),
    "shares_desc": (
        "Shares by task: questions and tones read right, procedures found in five, points said in drafts.",
        "작업별 비율: 문의와 감정의 정확도, 상위 5건의 절차 검색, 초안에 든 요점.",
    ),
    "cost_quality": ("Quality and what it costs", "품질과 비용"),
    "cost_quality_desc": (
        "Mean quality of drafts over what 1,000 of them cost (USD).",
        "초안 평균 품질과 초안 1,000건의 비용(달러)입니다.",
    ),
    "time_quality": ("Quality and how long it takes", "품질과 걸리는 시간"),
    "time_quality_desc": (
        "Mean quality of drafts over the median time of one, in milliseconds.",
        "초안 평균 품질과 초안 하나에 걸린 시간의 중앙값(밀리초)입니다.",
    ),
    "usd_thousand": ("USD per 1,000 drafts", "초안 1,000건당 달러"),
    "milliseconds_median": ("milliseconds, median", "밀리초(중앙값)"),
    "not_configured": ("not configured; set {setting}.", "설정되지 않았습니다. {setting}을(를) 설정하세요."),
}


class Words:
    """Texts of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._place = 1 if language == "ko" else 0

    def __call__(self, key: str, **values: object) -> str:
        return _WORDS[key][self._place].format(**values)
