"""What the report on the tiers is told with, in English and Korean."""

from __future__ import annotations

OF_THE_TIERS: dict[str, tuple[str, str]] = {
    "tiers_title": ("The tiers, task by task", "작업별 단계 비교"),
    "tiers_lead": (
        "{n} tickets, each put to every tier with the other tiers out of reach.",
        "문의 {n}건을 단계마다 따로 맡겼습니다. 다른 단계의 도움은 받지 않습니다.",
    ),
    "tiers_is": (
        "Quality is the calibrated probability that a person approves the draft as it is or with a "
        "light edit; accepted: drafts that reach what their task requires. p50 and p95: half, and 95 "
        "of 100, took at most so long.",
        "품질은 사람이 초안을 그대로 또는 조금만 고쳐 승인할 확률입니다. 받아들인 비율은 작업이 "
        "요구하는 품질에 이른 초안의 비율입니다. p50과 p95는 각각 절반과 100건 중 95건이 그 시간 안에 "
        "끝났다는 뜻입니다.",
    ),
    "stopped": (
        "It was stopped before its end; these are the figures until then.",
        "끝나기 전에 중단되었습니다. 중단할 때까지의 수치입니다.",
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
    "right": (
        "right",
        "맞힌 비율",
    ),
    "main": ("result", "결과"),
    "intent_what": (
        "right",
        "맞힘",
    ),
    "sentiment_what": (
        "right",
        "맞힘",
    ),
    "hit@5_what": (
        "found in five",
        "상위 5건에서 찾음",
    ),
    "points_said_what": (
        "points said",
        "요점을 담음",
    ),
    "mean_quality": ("quality", "품질"),
    "accepted_share": (
        "accepted",
        "받아들인 비율",
    ),
    "gold_cited": (
        "cite the right procedure",
        "맞는 절차를 인용",
    ),
    "answered": (
        "answered",
        "응답 수",
    ),
    "cost": ("cost", "비용"),
    "shares": ("What each tier gets right", "단계별 결과"),
    "shares_desc": (
        "Shares by task: questions and tones read right, procedures found in five, points said in drafts.",
        "작업별로 문의와 감정을 맞힌 비율, 맞는 절차를 상위 5건에서 찾은 비율, 초안이 요점을 담은 "
        "비율입니다.",
    ),
    "cost_quality": ("Quality and what it costs", "품질과 비용"),
    "cost_quality_desc": (
        "Mean quality of drafts over what 1,000 of them cost (USD). Upper left is better.",
        "초안 1,000건의 비용(달러)과 평균 품질입니다. 왼쪽 위에 있을수록 좋습니다.",
    ),
    "time_quality": ("Quality and how long it takes", "품질과 걸리는 시간"),
    "time_quality_desc": (
        "Mean quality of drafts over the median time of one, in milliseconds. Upper left is better.",
        "초안 하나에 걸린 시간의 중앙값(밀리초)과 평균 품질입니다. 왼쪽 위에 있을수록 좋습니다.",
    ),
    "usd_thousand": ("USD per 1,000 drafts", "초안 1,000건당 달러"),
    "milliseconds_median": ("milliseconds, median", "밀리초(중앙값)"),
    "not_configured": (
        "not configured; set {setting}.",
        "설정되어 있지 않습니다. 쓰려면 {setting} 값을 지정해 주세요.",
    ),
}
