"""What reports of evaluations are told with, in English and Korean."""

from __future__ import annotations

from ccos.cli.eval_tiers_words import OF_THE_TIERS
from ccos.console.speech import speech
from ccos.domain.prompt import Language

_OF_THE_GATE: dict[str, tuple[str, str]] = {
    "gate_title": (
        "The gate's score on labelled answers",
        "라벨이 달린 답변으로 확인한 품질 점수",
    ),
    "gate_lead": (
        "{n:,} answers from {files}, {share} of them good. Scorer: {scorer}.",
        "{files}의 답변 {n:,}건이며, 그중 {share}가 좋은 답변입니다. 채점 모델: {scorer}.",
    ),
    "quality_is": (
        "Quality is the calibrated probability that a person approves the answer as it is or with a light "
        "edit.",
        "품질은 사람이 답변을 그대로 또는 조금만 고쳐 승인할 확률로, 실제 승인 비율에 맞춰 보정한 값입니다.",
    ),
    "uncalibrated": (
        "What was measured is the plain heuristic: its number is not a probability.",
        "학습한 모델이 아니라 글의 형식만 보는 단순 점수를 측정했습니다. 이 값은 확률이 아닙니다.",
    ),
    "cross_validated": (
        "Cross-validated: each answer was scored by a model trained on other groups of the same files.",
        "교차 검증한 결과입니다. 각 답변은 같은 파일의 다른 문의로만 학습한 모델이 채점했습니다.",
    ),
    "one_class": (
        "All answers have the same label, so no AUROC is defined.",
        "모든 답변의 라벨이 같아 AUROC를 계산할 수 없습니다.",
    ),
    "seen": (
        "{n:,} of {total:,} answers are of sets that the model was trained on: {names}. It has seen "
        "them, so the figures here are better than they would be on new answers. --cross-validate "
        "gives the honest ones.",
        "답변 {total:,}건 중 {n:,}건은 이 모델을 학습한 자료({names})에 들어 있습니다. 이미 본 "
        "답변이므로 새 답변보다 수치가 좋게 나옵니다. 정직한 수치는 --cross-validate 옵션으로 확인해 "
        "주세요.",
    ),
    "trained_on": (
        "The model was trained on {sets}. On these sets its figures are not those of a blind test.",
        "이 모델은 다음 자료로 학습했습니다: {sets}. 이 자료로 측정한 수치는 처음 보는 답변에 대한 "
        "수치가 아닙니다.",
    ),
    "rows": (
        " ({n:,} answers)",
        "({n:,}건)",
    ),
    "name.seed": (
        "the labelled answers that ship",
        "제품에 든 라벨 예문",
    ),
    "name.en": (
        "English",
        "영어",
    ),
    "name.ko": (
        "Korean",
        "한국어",
    ),
    "name.triage": (
        "triage",
        "문의 분류",
    ),
    "name.query_builder": (
        "KB query building",
        "검색어 만들기",
    ),
    "name.kb_synthesis": (
        "evidence summary",
        "근거 정리",
    ),
    "name.solution_draft": (
        "solution draft",
        "답변 초안",
    ),
    "interval": (
        "95 % interval: {low} to {high}",
        "95% 신뢰 구간: {low}~{high}",
    ),
    "auroc": (
        "AUROC: telling good from bad",
        "AUROC(좋고 나쁨을 가리는 힘)",
    ),
    "auroc_is": (
        "The chance that a good answer scores above a bad one: 0.5 is a coin, 1 is perfect.",
        "좋은 답변이 나쁜 답변보다 높은 점수를 받을 확률입니다. 0.5면 동전 던지기와 같고, 1이면 "
        "빠짐없이 가려냅니다.",
    ),
    "auroc_head": (
        "AUROC",
        "AUROC",
    ),
    "ece": (
        "ECE: is the number true?",
        "ECE(품질 값의 오차)",
    ),
    "ece_is": (
        "How far qualities are from what came of them. At 0.05, of 100 answers with a quality of 0.80 "
        "about 75 to 85 are good.",
        "품질 값과 실제 결과의 평균 차이입니다. 0.05라면 품질이 0.80인 답변 100건 중 75~85건쯤이 "
        "실제로 좋은 답변입니다.",
    ),
    "ece_head": (
        "ECE",
        "ECE",
    ),
    "brier": (
        "Brier score: both together",
        "브라이어 점수(종합 오차)",
    ),
    "brier_is": (
        "The mean squared miss of a quality: 0 is perfect, always saying 0.5 gets 0.25.",
        "품질 값이 빗나간 정도를 제곱해 평균한 값입니다. 0이면 완벽하고, 늘 0.5라고만 답하면 0.25입니다.",
    ),
    "heuristic": (
        "For comparison, the plain heuristic: {x}",
        "비교 대상인 단순 점수: {x}",
    ),
    "reliability": (
        "Is the quality true?",
        "품질 값을 믿어도 되는가",
    ),
    "reliability_desc": (
        "Share of good answers by quality, with 95 % intervals; on the diagonal the quality is true.",
        "품질 구간마다 실제로 좋은 답변의 비율과 그 95% 구간을 그렸습니다. 점이 대각선에 가까울수록 "
        "품질 값을 그대로 믿어도 됩니다.",
    ),
    "histogram": ("Where the qualities lie", "품질의 분포"),
    "histogram_desc": (
        "Answers by quality, good and bad ones.",
        "품질 값에 따른 좋은 답변과 나쁜 답변의 수입니다. 두 색이 좌우로 갈릴수록 잘 가려낸 것입니다.",
    ),
    "roc": (
        "Good from bad (ROC)",
        "좋은 답변과 나쁜 답변을 가리는 힘(ROC)",
    ),
    "roc_desc": (
        "Share of good answers above a threshold over the share of bad ones, for all thresholds. The "
        "nearer to the upper left, the better.",
        "기준을 낮춰 갈 때 통과하는 나쁜 답변(가로)과 좋은 답변(세로)의 비율입니다. 선이 왼쪽 위에 "
        "가까울수록 좋습니다.",
    ),
    "risk": (
        "What accepting more costs",
        "더 많이 받아들이면 늘어나는 위험",
    ),
    "risk_desc": (
        "Share of bad answers among those accepted, over the share that is accepted, from the "
        "strictest threshold to the laxest; vetoed answers are never accepted. Dots: certified here.",
        "받아들이는 비율(가로)을 늘릴 때 그중 나쁜 답변의 비율(세로)입니다. 거부된 답변은 받아들이지 "
        "않습니다. 점은 이 자료로 인증한 기준입니다.",
    ),
    "quality": ("quality", "품질"),
    "good_share": ("share of good ones", "좋은 답변 비율"),
    "answers": ("answers", "답변"),
    "good": ("good", "좋음"),
    "bad": ("bad", "나쁨"),
    "bad_passed": (
        "bad ones that pass",
        "통과한 나쁜 답변의 비율",
    ),
    "good_passed": (
        "good ones that pass",
        "통과한 좋은 답변의 비율",
    ),
    "accepted": (
        "accepted",
        "받아들인 비율",
    ),
    "bad_share": (
        "bad among accepted",
        "받아들인 것 중 나쁜 답변",
    ),
    "score": (
        "gate",
        "학습한 점수",
    ),
    "plain": (
        "plain heuristic",
        "단순 점수",
    ),
    "coverage": ("Certified thresholds", "인증한 기준값"),
    "coverage_is": (
        "A threshold is certified when the labels show, with 90 % confidence, that the share of good "
        "answers above it is at least what is required. Broken: how often, in resamplings, the answers "
        "that did not certify it said otherwise. Shipped: what the thresholds that came with the model "
        "do here.",
        "기준을 넘는 답변 중 좋은 답변의 비율이 요구 품질 이상이라는 것을 라벨로 90% 확신할 수 있을 때 "
        "그 기준을 인증합니다. ‘약속이 어긋난 비율’은 자료를 여러 번 나누어, 인증에 쓰지 않은 답변에서 "
        "그 비율에 못 미친 경우를 센 것입니다. ‘제품 기준’은 모델과 함께 제공되는 기준입니다.",
    ),
    "required": ("required", "요구 품질"),
    "threshold": (
        "certified here from",
        "인증한 최저 품질",
    ),
    "risk_bound": (
        "risk at most",
        "나쁜 답변의 상한",
    ),
    "broken": (
        "broken",
        "약속이 어긋난 비율",
    ),
    "shipped_coverage": (
        "shipped thresholds accept",
        "제품 기준이 받아들인 비율",
    ),
    "shipped_good": ("of them good", "그중 좋은 답변"),
    "by_task": ("By task", "작업별"),
    "by_language": ("By language", "언어별"),
    "by_generator": (
        "Within one generator",
        "답변 작성자별",
    ),
    "by_kind": ("By how the line was made", "작성 방식별"),
    "by_task_is": (
        "Figures of few answers owe much to chance: look at the interval.",
        "답변 수가 적으면 우연의 영향이 크므로 95% 구간을 함께 보아 주세요.",
    ),
    "by_language_is": (
        "Figures of few answers owe much to chance: look at the interval.",
        "답변 수가 적으면 우연의 영향이 크므로 95% 구간을 함께 보아 주세요.",
    ),
    "by_generator_is": (
        "How well good and bad answers of one and the same writer are told apart; mixed writers "
        "flatter the figure above. Figures of few answers owe much to chance: look at the interval.",
        "같은 작성자의 답변 안에서 좋고 나쁨을 얼마나 가리는지입니다. 작성자가 섞이면 위의 수치가 "
        "실제보다 좋아 보일 수 있습니다. 답변 수가 적으면 우연의 영향이 크므로 95% 구간을 함께 보아 "
        "주세요.",
    ),
    "by_kind_is": (
        "How the lines of a written set were made. Where all are good or all are bad, no AUROC is defined.",
        "지어 만든 예문을 만든 방식별로 나누었습니다. 모두 좋거나 모두 나쁜 방식에서는 AUROC를 계산할 "
        "수 없습니다.",
    ),
    "name": ("name", "이름"),
    "vetoed": (
        "vetoed",
        "거부",
    ),
    "heuristic_auroc": (
        "AUROC, plain heuristic",
        "AUROC(단순 점수)",
    ),
    "ci": ("95 % interval", "95% 구간"),
    "vetoes": (
        "Vetoes",
        "거부 사유",
    ),
    "vetoes_is": (
        "A vetoed answer is never accepted, whatever its quality. Bad among them: how often the veto "
        "was right. Of all bad: how many of the bad answers it found.",
        "거부된 답변은 품질과 관계없이 받아들이지 않습니다. ‘그중 나쁜 답변’은 거부가 옳았던 비율이고, "
        "‘전체 나쁜 답변 중’은 나쁜 답변을 찾아낸 비율입니다.",
    ),
    "any": ("any", "전체"),
    "kind": ("kind", "종류"),
    "precision": ("bad among them", "그중 나쁜 답변"),
    "recall": ("of all bad", "전체 나쁜 답변 중"),
    "time": (
        "The gate took {p50} ms an answer (95 of 100 at most {p95} ms).",
        "답변 하나를 점검하는 데 걸린 시간은 중앙값 {p50}ms이며, 100건 중 95건은 {p95}ms 안에 끝났습니다.",
    ),
}
_WORDS = _OF_THE_GATE | OF_THE_TIERS


class Words:
    """Texts of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._place = 1 if language == "ko" else 0

    def __call__(self, key: str, **values: object) -> str:
        return _WORDS[key][self._place].format(**values)

    def known(self, name: str) -> str:
        """The words for a name that may come from a file, such as a task's; without any, the name."""
        return self(f"name.{name}") if f"name.{name}" in _WORDS else name

    def veto(self, kind: str) -> str:
        """What a kind of veto is called on the pages for agents, with its code."""
        called = speech(self.language).known("code", f"veto.{kind}")
        return kind if called == f"veto.{kind}" else f"{called} ({kind})"
