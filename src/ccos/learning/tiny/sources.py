"""The texts the corpus is made of, read from the sample shop and from the user's own files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from ccos import sample
from ccos.domain.errors import BadInput
from ccos.domain.ticket import Sentiment
from ccos.knowledge.formats.markdown import split as front_matter
from ccos.learning.tiny.asks import Article, Ask, read_asks, split, told_by
from ccos.learning.tiny.corpus import Course, Labelled
from ccos.providers.tiny.sections import name_of

TROUBLE = frozenset(
    {
        "delivery-damaged", "delivery-delay", "delivery-lost", "delivery-wrong-missing",
        "defect-first-14-days", "complaint-process", "payment-duplicate", "return-defective",
        "troubleshoot-earbuds", "troubleshoot-humidifier", "en-warranty",
    }
)  # fmt: skip
"""Articles whose readers had something go wrong: a reply to them begins with regret."""

_CATEGORY_INTENTS = {
    "반품": "return_request", "환불": "refund_status", "교환": "exchange", "배송조회": "delivery_status",
    "배송사고": "delivery_problem", "결제": "payment_problem", "증빙서류": "receipt",
    "불량·AS": "product_defect", "상품문의": "product_question", "개인정보": "privacy",
    "불만·건의": "complaint",
}  # fmt: skip
_ARTICLE_INTENTS = {
    "coupon-use": "coupon", "points-policy": "points", "membership-grades": "points",
    "account-withdraw": "account_withdraw", "account-dormant": "account_login",
    "account-password": "account_login", "account-verification-code": "account_login",
    "address-change": "address_change", "order-cancel": "order_cancel", "delivery-combine": "order_cancel",
    "order-partial-cancel": "order_cancel", "restock-alert": "restock", "en-account": "account_login",
    "en-order-changes": "order_cancel", "refund-coupon-points": "refund_status",
}  # fmt: skip
_GOOD = ("approve", "edit")


def sample_articles() -> dict[str, Article]:
    """The sample shop's public procedures, without those that are out of date."""
    found: dict[str, Article] = {}
    with sample.kb_folder() as folder:
        for file in sorted(folder.glob("*.md")):
            fields, body = front_matter(file.read_text(encoding="utf-8"))
            title = str(fields.get("title", ""))
            if fields.get("visibility") != "public" or title.startswith("("):
                continue
            intent = _ARTICLE_INTENTS.get(
                file.stem, _CATEGORY_INTENTS.get(str(fields.get("category")), "other")
            )
            found[file.stem] = Article(file.stem, title, body, intent)
    return found


def sample_asks() -> list[Ask]:
    """The questions written for the sample shop."""
    return read_asks(sample.tiny_asks(), sample_articles(), TROUBLE)


def sample_labelled() -> list[Labelled]:
    """Texts with intent and tone: those of triage, and the questions of the labelled drafts."""
    found = [
        Labelled(line["text"], line["label"], line["sentiment"])
        for line in map(json.loads, sample.triage_lines())
        if "sentiment" in line
    ]
    seen: set[str] = set()
    for line in map(json.loads, sample.labelled_lines()):
        if line["ticket_id"] not in seen and line["label"] in _GOOD:
            seen.add(line["ticket_id"])
            upset = "죄송" in line["answer"] or "sorry" in line["answer"].lower()
            found.append(Labelled(line["question"], line["intent"], "negative" if upset else "neutral"))
    return found


def sample_course(seed: int, more: Iterable[Path] = ()) -> tuple[Course, list[Ask]]:
    """What is learnt from the sample shop and the user's files, and the shop's questions held out."""
    learnt, held = split(sample_asks(), seed)
    asks, labelled = read_more(more)
    told = told_by(sample_articles().values(), TROUBLE)
    return Course((*learnt, *asks), tuple(told), (*sample_labelled(), *labelled)), held


def read_more(files: Iterable[Path]) -> tuple[list[Ask], list[Labelled]]:
    """A user's own lines: {"ask", "title", "heading"?, "intent"?} or {"text", "label", "sentiment"?}.

    Raises BadInput for a line that is neither.
    """
    asks: list[Ask] = []
    labelled: list[Labelled] = []
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            if not line.strip():
                continue
            made = _read(line)
            if isinstance(made, Ask):
                asks.append(made)
            elif made is not None:
                labelled.append(made)
            else:
                raise BadInput(
                    f"Line {number} of {file} teaches nothing: it needs ask and title, or text and label."
                )
    return asks, labelled


def _read(line: str) -> Ask | Labelled | None:
    try:
        found: Any = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        return None
    if found.get("ask") and found.get("title"):
        name = name_of(found["title"], found.get("heading", ""))
        return Ask(found["ask"], found["title"], name, name, found.get("intent", "other"), trouble=False)
    sentiment = found.get("sentiment", "neutral")
    if found.get("text") and found.get("label") and sentiment in get_args(Sentiment):
        return Labelled(found["text"], found["label"], sentiment)
    return None
