"""What pages say: the two languages, ages, reasons, marks, and the little Markdown of passages."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from ccos.agents.triage_words import Intent
from ccos.console import markdown
from ccos.console.speech import LANGUAGES, preferred, speech, words
from ccos.console.telling import Piece, Teller, spoken
from ccos.domain.draft import Check, Draft, DraftState, Outcome
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.ticket import Priority, Ticket
from ccos.domain.tier import Mode, Task, Tier
from ccos.quality import vetoes

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
KO = Teller(speech("ko"), NOW, ZoneInfo("Asia/Seoul"))
EN = Teller(speech("en"), NOW, ZoneInfo("Asia/Seoul"))


def draft(**changes: object) -> Draft:
    return Draft.model_validate({"id": "d", "ticket_id": "t", "state": "ready", **changes})


def evidence(n: int = 1, **changes: object) -> Evidence:
    given = {"n": n, "kind": "kb", "id": "a", "title": "t", "snippet": "s", "score": 1.0}
    return Evidence.model_validate(given | changes)


def test_both_languages_have_the_same_words_with_the_same_gaps():
    ko, en = words("ko"), words("en")
    assert set(ko) == set(en)
    for key in ko:
        assert ko[key].strip() and en[key].strip(), key
        assert _gaps(ko[key]) == _gaps(en[key]), key
    assert not [key for key, text in en.items() if re.search("[가-힣]", text) and key != "other_language"]


def _gaps(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_value_that_can_be_shown_has_words():
    wanted = [f"state.{s.value}" for s in DraftState] + [f"tell.{s.value}" for s in DraftState]
    wanted += [f"tier.{t.value}" for t in Tier] + [f"mode.{m.value}" for m in Mode]
    wanted += [f"task.{t.value}" for t in Task] + [f"outcome.{o.value}" for o in Outcome]
    wanted += [f"priority.{p.value}" for p in Priority] + [f"kind.{k.value}" for k in EvidenceKind]
    wanted += [f"intent.{name}" for name in get_args(Intent)]
    assert [key for key in wanted if key not in words("ko")] == []


def _veto_kinds() -> set[str]:
    """Those the families name, and those that are raised anywhere in the sources."""
    families = [*vetoes.CUSTOMER_TEXT, *vetoes.FACT_LIST, *vetoes.FORM, *vetoes.OPEN_CHAT]
    sources = "".join(path.read_text() for path in Path(str(files("ccos"))).rglob("*.py"))
    return {kind for family in families for kind in family.kinds} | set(
        re.findall(r'Veto\(\s*"(\w+)"', sources)
    )


def test_every_kind_of_veto_and_failed_check_is_told_in_korean():
    kinds = _veto_kinds()
    assert {"schema", "unjudged", "mixed_speech", "internal"} < kinds
    sources = Path(str(files("ccos.agents"))).joinpath("proposal.py").read_text()
    others = set(re.findall(r'"((?:certified|fit|coverage|sources)\.\w+)"', sources))
    others |= {f"customer_language.{which}" for which in ("ja", "zh", "other")}
    assert len(others) == 11
    for code in {f"veto.{kind}" for kind in kinds} | others:
        check = Check(name="x", passed=False, detail="English.", code=code, facts={"kept": 0.7, "labels": 5})
        assert re.search("[가-힣]", KO.found(check)) and "English" not in KO.found(check), code
        assert not re.search("[가-힣{}]", EN.found(check)) and EN.found(check) != code, code
    for kind in kinds:
        assert re.search("[가-힣]", KO.code(f"veto.{kind}")), kind
        assert EN.code(f"veto.{kind}") != f"veto.{kind}", kind
    for family in vetoes.CUSTOMER_TEXT:
        assert f"check.{family.name}" in words("ko"), family.name


def test_a_failed_check_quotes_what_it_is_about_and_an_old_one_keeps_its_words():
    found = Check(
        name="facts", passed=False, detail="The amount…", code="veto.unsupported", facts={"said": "3만 원"}
    )
    assert KO.found(found) == "문의와 근거 어디에도 없는 내용입니다. ‘3만 원’"
    assert KO.found(found.model_copy(update={"facts": {}})) == "문의와 근거 어디에도 없는 내용입니다."
    assert KO.found(Check(name="facts", passed=False, detail="Old words.")) == "Old words."
    assert (
        KO.found(Check(name="x", passed=False, detail="Later.", code="veto.of_a_later_release")) == "Later."
    )
    braces = found.model_copy(update={"facts": {"said": "{kept}"}})
    assert KO.found(braces).endswith("‘{kept}’")


def _certified(
    code: str, *, passed: bool, quality: float = 0.5, state: str = "ready", **more: object
) -> Draft:
    check = {"name": "certified", "passed": passed, "detail": "English.", "code": code}
    return draft(
        state=state, quality=quality, checks=[check | {"facts": {"kept": 0.7, "labels": 1128}}], **more
    )


def test_a_ready_draft_says_why_its_quality_is_good_enough():
    told = KO.certificate(_certified("certified.kept", passed=True))
    assert "70% 이상" in told and "라벨 1,128건" in told and "기준이 우선합니다" in told
    told = EN.certificate(_certified("certified.kept", passed=True))
    assert "at least 70%" in told and "1,128 labels" in told and "goes before it" in told
    assert "우선합니다" not in KO.certificate(_certified("certified.kept", passed=True, quality=0.7))


def test_a_draft_that_is_not_certified_says_so_beside_its_quality_and_not_as_a_fault_of_the_text():
    doubted = _certified("certified.not_yet", passed=False, state="needs_review")
    assert "아직 라벨로 확인되지 않았습니다" in KO.certificate(doubted)
    assert KO.warnings(doubted) == []
    assert KO.state(doubted).startswith("점검은 모두 통과했지만")
    less = KO.certificate(_certified("certified.less", passed=False, state="needs_review"))
    assert "70% 이상" in less and "1,128건" in less
    refused = doubted.model_copy(update={"checks": (*doubted.checks, Check(name="facts", passed=False))})
    assert KO.state(refused).startswith("점검을 모두 통과하지 못했지만")
    assert [check.name for check in KO.warnings(refused)] == ["facts"]


def test_where_there_is_no_answer_or_no_labels_were_asked_nothing_is_certified():
    assert KO.certificate(_certified("certified.not_yet", passed=False, state="abstained")) == ""
    assert KO.certificate(draft(quality=0.5)) == ""


def test_every_word_a_template_asks_for_is_there_and_none_is_left_over():
    folder = Path(str(files("ccos.console")))
    sources = [*folder.glob("templates/*.html"), *folder.glob("*.py")]
    text = "".join(path.read_text() for path in sources)
    quoted = set(re.findall(r"""["']([a-z_.]+)["'](?!\s*~)""", text))
    asked = set(re.findall(r"""\bt\(\s*["']([a-z_.]+)["'](?!\s*~)""", text))
    assert asked <= set(words("ko")), asked - set(words("ko"))
    groups = set(re.findall(r"""["']([a-z]+)\.["']\s*~""", text))
    groups |= set(re.findall(r'f"([a-z]+)\.\{', text)) | set(re.findall(r'known\("([a-z]+)"', text))
    left = {key for key in words("ko") if key not in quoted and key.split(".")[0] not in groups}
    assert left == set()


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "ko"),
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("en-GB,en;q=0.9,ko;q=0.8", "en"),
        ("fr,en;q=0.5", "en"),
        ("en;q=0.2,ko;q=0.3", "ko"),
        ("fr-FR,de", "ko"),
        ("en;q=broken,ko;q=0.1", "ko"),
        (";;,,=", "ko"),
    ],
)
def test_the_browsers_wish_decides_and_korean_is_the_default(header, language):
    assert preferred(header) == language


@pytest.mark.parametrize(
    ("before", "ko", "en"),
    [
        (timedelta(seconds=-90), "방금", "just now"),
        (timedelta(seconds=59), "방금", "just now"),
        (timedelta(minutes=1), "1분 전", "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59분 전", "59 min ago"),
        (timedelta(hours=1), "1시간 전", "1 h ago"),
        (timedelta(hours=23, minutes=59), "23시간 전", "23 h ago"),
        (timedelta(days=1), "1일 전", "1 d ago"),
        (timedelta(days=30), "1개월 전", "1 mo ago"),
        (timedelta(days=365), "1년 전", "1 y ago"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(before, ko, en):
    assert (KO.age(NOW - before), EN.age(NOW - before)) == (ko, en)


def test_times_are_shown_in_the_zone_of_the_screens_and_given_to_machines_in_utc():
    assert KO.when(NOW) == "2026-11-22 12:00"
    assert KO.date(NOW + timedelta(hours=12)) == "2026-11-23"
    assert KO.machine(NOW.astimezone(ZoneInfo("Asia/Seoul"))) == "2026-11-22T03:00:00+00:00"


@pytest.mark.parametrize(
    ("reason", "tier", "told"),
    [
        ("cost_first: tier_3", "tier_3", "Written by the Rules tier, as the cost first plan has it."),
        ("outage: tier_1 -> tier_3", "tier_1", "Written by the Local model tier, as the outage plan has it."),
        ("tier_0 provider.timeout", "tier_1", "It moved on from the Cloud tier: it took too long."),
        ("tier_1 veto.unsupported", "tier_3", "The answer of the Local model tier was refused: figures or dates without support."),
        ("tier_3 quality.low", "tier_3", "The answer of the Rules tier was refused: a low quality score."),
        ("tier_1 veto.brand_new", "tier_3", "The answer of the Local model tier was refused: veto.brand_new."),
        ("worker.stalled", None, "Reason: the worker stopped."),
        ("", None, ""),
    ],
)  # fmt: skip
def test_why_this_tier_answered_is_told_in_plain_words(reason, tier, told):
    assert EN.why(draft(reason=reason, tier=tier)) == told


def test_a_draft_that_waits_too_long_says_what_to_look_at():
    fresh = draft(state="queued", created_at=NOW - timedelta(seconds=50))
    old = draft(state="queued", created_at=NOW - timedelta(seconds=70))
    assert "ccos worker" not in KO.state(fresh) and "ccos worker" in KO.state(old)


def test_a_baseline_is_never_called_a_probability():
    assert "not a probability" in EN.quality(draft(scorer="heuristic-baseline"))
    assert "확률이 아닙니다" in KO.quality(draft(scorer="heuristic-baseline"))
    assert "the probability" in EN.quality(draft(scorer="calibrated-1"))


def test_a_failed_stage_is_named():
    assert KO.error("retrieve: kb.index_unusable").startswith("근거 검색 단계가 실패해")
    assert KO.error("odd") == "odd"


def test_marks_that_point_at_evidence_become_links_and_are_not_spoken():
    shown = draft(reply="7일 [1] 이내, 6,000원 [3]입니다. [12]", evidence=[evidence(1), evidence(3)])
    assert list(KO.pieces(shown)) == [
        Piece("7일"), Piece("1", 1), Piece(" 이내, 6,000원"), Piece("3", 3), Piece("입니다. [12]"),
    ]  # fmt: skip
    assert spoken(shown) == "7일 이내, 6,000원입니다. [12]"


def test_evidence_is_stale_after_twelve_months_and_internal_before_anything_else():
    assert KO.stale(evidence(updated_at=NOW - timedelta(days=366)))
    assert not KO.stale(evidence(updated_at=NOW - timedelta(days=365)))
    assert not KO.stale(evidence())
    assert KO.kind(evidence(visibility="internal", kind="case")) == "internal"
    assert KO.kind(evidence(kind="case")) == "case"


def test_only_web_addresses_become_links():
    assert KO.link(evidence(url="https://help.example.com/a")) == "https://help.example.com/a"
    for url in ("javascript:alert(1)", "data:text/html,x", "//evil.example", " https://x", None):
        assert KO.link(evidence(url=url)) is None


def test_a_ticket_without_subject_is_called_by_its_first_words():
    assert KO.subject(Ticket(description="환불요\n빨리요")) == "환불요 빨리요"
    assert KO.subject(Ticket(subject="가" * 100)) == "가" * 79 + "…"
    assert KO.subject(Ticket()) == "(제목 없음)"


def test_field_values_are_shown_in_words():
    assert KO.value("priority", "high") == "높음"
    assert KO.value("tags", ["VIP", "배송비"]) == "VIP, 배송비"
    assert KO.value("category", None) == KO.value("tags", []) == "없음"


def test_a_passage_becomes_headings_lists_and_tables():
    html = markdown.to_html(
        "# 교환\n\n**7일** 이내\n\n- 하나\n- 둘\n\n2. 다음\n\n| 구분 | 금액 |\n|---|---:|\n| 왕복 | 6,000원 |"
    )
    assert html == (
        '<p class="heading">교환</p><p><strong>7일</strong> 이내</p><ul><li>하나</li><li>둘</li></ul>'
        '<ol start="2"><li>다음</li></ol><div class=wide><table><tr><td>구분</td><td>금액</td></tr>'
        "<tr><td>왕복</td><td>6,000원</td></tr></table></div>"
    )


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "# <img src=x onerror=alert(1)>",
        "| <b>x</b> | <svg onload=alert(1)> |",
        "- **<i>x</i>**",
        "[click](javascript:alert(1))",
        "![x](https://evil.example/p.png)",
        '1. "onmouseover="alert(1)',
    ],
)
def test_nothing_in_a_passage_becomes_markup_of_its_own(hostile):
    html = str(markdown.to_html(hostile))
    tags = set(re.findall(r"<(/?[a-z]+)", html))
    assert tags <= {"p", "/p", "ul", "/ul", "ol", "/ol", "li", "/li", "div", "/div", "table", "/table", "tr", "/tr", "td", "/td", "strong", "/strong"}  # fmt: skip
    assert (
        "javascript:" not in html
        and "evil.example" not in html
        and "<p class=" not in html.replace('<p class="heading">', "")
    )


def test_a_preview_is_one_short_line_without_marks():
    assert (
        markdown.plain("## 제목\n\n- **굵게** 하나\n| a | b |\n|---|---|\n[링크](https://x)")
        == "제목 굵게 하나 a b 링크"
    )
    assert markdown.plain("가" * 500, 100) == "가" * 99 + "…"
    assert markdown.plain("") == ""


def test_the_languages_are_those_of_the_domain():
    assert LANGUAGES == ("ko", "en")


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+00:00"]
)
def test_the_ends_of_the_calendar_are_told_too(moment: str):
    at = datetime.fromisoformat(moment)
    assert KO.when(at).startswith(f"{at.year}-")
    assert KO.date(at).startswith(f"{at.year}-")
    assert KO.machine(at)[:4] == moment[:4]
    assert KO.age(at)
