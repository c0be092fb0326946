"""What was found of the gate as one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from ccos.cli.eval_gate_table import broken, number, share
from ccos.cli.eval_plots import STYLE, Frame, Point, runs, table, thinned
from ccos.cli.eval_words import Words
from ccos.domain.prompt import Language
from ccos.drill.svg import nice

if TYPE_CHECKING:
    from ccos.learning.judging import Judged

BARS = 20


def page(document: Mapping[str, Any], judged: Sequence[Judged], language: Language = "en") -> str:
    """The whole page; everything that came from files is escaped."""
    words = Words(language)
    title = words("gate_title")
    return "\n".join(
        [
            f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><h1>{escape(title)}</h1>",
            *_head(document, words),
            f'<div class="plots">{"".join(_plots(document, judged, words))}</div>',
            *_tables(document, words),
            "</body></html>\n",
        ]
    )


def _head(document: Mapping[str, Any], words: Words) -> Iterator[str]:
    lead = words(
        "gate_lead",
        n=document["n"],
        files=", ".join(document["files"]),
        share=share(document["base_rate"]),
        scorer=", ".join(document["scorer"]),
    )
    yield f"<p>{escape(lead)} {escape(words('quality_is') if document['calibrated'] else '')}</p>"
    for key, true in (
        ("uncalibrated", not document["calibrated"]),
        ("cross_validated", document["cross_validated"]),
        ("one_class", document["auroc"] is None),
    ):
        if true:
            yield f'<p class="warning">{escape(words(key))}</p>'
    if known := document["seen_in_training"]:
        told = words(
            "seen", n=known["answers"], total=document["n"], names=", ".join(map(words.known, known["sets"]))
        )
        yield f'<p class="warning">{escape(told)}</p>'
    if sets := document["training_sets"]:
        named = ", ".join(
            words.known(one["name"]) + (words("rows", n=one["rows"]) if one["rows"] else "") for one in sets
        )
        yield f'<p class="note">{escape(words("trained_on", sets=named))}</p>'
    facts = [
        _fact(words, document, "auroc", "auroc_ci", "auroc_is", "heuristic_auroc"),
        _fact(words, document, "ece", "ece_ci", "ece_is", "heuristic_ece"),
        _fact(words, document, "brier", None, "brier_is", None),
    ]
    yield f'<ul class="facts">{"".join(facts)}</ul>'


def _fact(
    words: Words, document: Mapping[str, Any], key: str, ci: str | None, about: str | None, plain: str | None
) -> str:
    notes = [words(about)] if about else []
    if ci and document[ci]:
        low, high = document[ci]
        notes.append(words("interval", low=number(low), high=number(high)))
    if plain:
        notes.append(words("heuristic", x=number(document[plain])))
    told = "".join(f'<p class="note">{escape(note)}</p>' for note in notes)
    return f"<li><b>{number(document[key])}</b>{escape(words(key))}{told}</li>"


def _plots(document: Mapping[str, Any], judged: Sequence[Judged], words: Words) -> Iterator[str]:
    quality = [one.verdict.quality for one in judged]
    good = [one.row.good for one in judged]
    yield _reliability(document["reliability"], words)
    yield _histogram(quality, good, words)
    if document["auroc"] is not None:
        yield _roc(quality, [one.heuristic for one in judged], good, words)
    yield _risk(document, judged, words)


def _reliability(bins: Sequence[Mapping[str, Any]], words: Words) -> str:
    frame = Frame(words("quality"), words("good_share"))
    frame.ideal((0, 0), (1, 1))
    most = max((each["count"] for each in bins), default=1)
    for each in bins:
        low, high = each["interval"]
        frame.whisker(each["score"], low, high, "main")
        tip = f"{each['score']:.2f}: {each['good']:.1%} ({each['count']:,})"
        frame.dot((each["score"], each["good"]), "main", tip, radius=3 + 4 * (each["count"] / most) ** 0.5)
    return frame.render(words("reliability"), words("reliability_desc"))


def _histogram(quality: Sequence[float], good: Sequence[bool], words: Words) -> str:
    counts = [[0, 0] for _ in range(BARS)]
    for value, true in zip(quality, good, strict=True):
        counts[min(BARS - 1, int(value * BARS))][true] += 1
    frame = Frame(words("quality"), words("answers"), up=nice(max(map(sum, counts))))
    for place, (bad, fine) in enumerate(counts):
        start, end = place / BARS, (place + 1) / BARS
        frame.bar(start, end, 0, fine, "good", f"{words('good')}: {fine:,}")
        frame.bar(start, end, fine, fine + bad, "bad", f"{words('bad')}: {bad:,}")
    legend = [("good", words("good")), ("bad", words("bad"))]
    return frame.render(words("histogram"), words("histogram_desc"), legend)


def _roc(quality: Sequence[float], heuristic: Sequence[float], good: Sequence[bool], words: Words) -> str:
    frame = Frame(words("bad_passed"), words("good_passed"))
    frame.ideal((0, 0), (1, 1))
    frame.line(thinned(_steps(heuristic, good)), "plain")
    frame.line(thinned(_steps(quality, good)), "main")
    legend = [("main", words("score")), ("plain", words("plain"))]
    return frame.render(words("roc"), words("roc_desc"), legend)


def _steps(scores: Sequence[float], good: Sequence[bool]) -> list[Point]:
    """The share of bad ones and of good ones that pass, for each threshold from strict to lax."""
    order = sorted(range(len(scores)), key=lambda place: -scores[place])
    ends = set(runs([scores[place] for place in order]))
    hits = sum(good)
    points, fine = [(0.0, 0.0)], 0
    for n, place in enumerate(order):
        fine += good[place]
        if n in ends:
            points.append(((n + 1 - fine) / (len(good) - hits), fine / hits))
    return points


def _risk(document: Mapping[str, Any], judged: Sequence[Judged], words: Words) -> str:
    frame = Frame(words("accepted"), words("bad_share"))
    passing = sorted((one for one in judged if not one.vetoed), key=lambda one: -one.verdict.quality)
    ends = set(runs([one.verdict.quality for one in passing]))
    points, bad = [], 0
    for n, one in enumerate(passing):
        bad += not one.row.good
        if n in ends:
            points.append(((n + 1) / len(judged), bad / (n + 1)))
    frame.line(thinned(points), "main")
    for required, each in document["coverage"].items():
        frame.ideal((0, 1 - float(required)), (1, 1 - float(required)))
        if each["threshold"] is not None:
            at = (each["coverage"], each["bad"] / each["accepted"])
            frame.dot(at, "good", f"{words('required')} {required}: {share(each['coverage'])}", radius=5)
    return frame.render(words("risk"), words("risk_desc"))


def _tables(document: Mapping[str, Any], words: Words) -> Iterator[str]:
    yield f'<h2>{escape(words("coverage"))}</h2><p class="note">{escape(words("coverage_is"))}</p>'
    head = ("required", "threshold", "accepted", "risk_bound", "broken", "shipped_coverage", "shipped_good")
    rows = []
    for required, each in document["coverage"].items():
        shipped = each["shipped"] or {}
        rows.append(
            (
                required,
                number(each["threshold"]),
                share(each["coverage"]),
                share(each["risk_bound"]),
                broken(each),
                share(shipped.get("coverage")),
                share(shipped.get("good_share")),
            )
        )
    yield table([words(key) for key in head], rows)
    for breakdown in ("by_task", "by_language", "by_generator", "by_kind"):
        if len(document[breakdown]) > 1:
            yield f"<h2>{escape(words(breakdown))}</h2>"
            yield f'<p class="note">{escape(words(f"{breakdown}_is"))}</p>'
            yield _breakdown(document[breakdown], words)
    if document["vetoes"]["any"]["n"]:
        yield f'<h2>{escape(words("vetoes"))}</h2><p class="note">{escape(words("vetoes_is"))}</p>'
        yield table(
            [words(key) for key in ("kind", "vetoed", "precision", "recall")],
            [
                (
                    words("any") if kind == "any" else words.veto(kind),
                    f"{each['n']:,}",
                    share(each["precision"]),
                    share(each["recall"]),
                )
                for kind, each in document["vetoes"].items()
            ],
        )
    p50, p95 = (f"{document['seconds_per_answer'][key] * 1000:.1f}" for key in ("p50", "p95"))
    yield f'<p class="note">{escape(words("time", p50=p50, p95=p95))}</p>'


def _breakdown(found: Mapping[str, Any], words: Words) -> str:
    head = ("name", "answers", "good_share", "auroc_head", "ci", "ece_head", "heuristic_auroc", "vetoed")
    rows = []
    for name, each in found.items():
        ci = each["auroc_ci"]
        rows.append(
            (
                words.known(name),
                f"{each['n']:,}",
                share(each["base_rate"]),
                number(each["auroc"]),
                f"{ci[0]:.3f}–{ci[1]:.3f}" if ci else "–",
                number(each["ece"]),
                number(each["heuristic_auroc"]),
                f"{each['vetoed']:,}",
            )
        )
    return table([words(key) for key in head], rows)
