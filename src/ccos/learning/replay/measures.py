"""What can be measured of any answer beside its prompt, whatever it is about: also of sums it does.

The gate's own features need evidence; these are for replays on outcomes that have none.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping

from ccos.quality.folding import plain

CHARACTERS = 20_000
"""How much of an answer is read."""
_MOST_DIGITS = 15

_NUMBER = re.compile(r"(?<![\w.])[-]?[$₩€]?\d[\d,]*(?:\.\d+)?%?")
_WORKED = re.compile(r"<<([^=<>]{1,80})=([^<>=]{1,40})>>")
_SUM = re.compile(
    r"((?:[$₩€]?\d[\d,]*(?:\.\d+)?%?\s?[-+*/x×÷]\s?){1,6}[$₩€]?\d[\d,]*(?:\.\d+)?%?)\s?=\s?"
    r"([$₩€]?-?\d[\d,]*(?:\.\d+)?)"
)
_FINAL = re.compile(
    r"(?:####|final answer|answer(?:\s+is)?|정답은?|답은?)\s*:?\s*([^\n]{1,80})", re.IGNORECASE
)
_HEDGE = re.compile(
    r"cannot|can't|not enough|assum|however|unclear|mistake|apolog|actually|wait\b|let's try|"
    r"알 수 없|확실하지|것 같|아마|죄송|가정하",
    re.IGNORECASE,
)
_RATIOS = re.compile(
    r"twice|half|third|quarter|times|percent|%|per |each|every|배|절반|퍼센트|마다", re.IGNORECASE
)
_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def measured(prompt: str, answer: str) -> dict[str, float]:
    """Finite numbers by name; linear in the texts, and it never raises."""
    asked, said = plain(prompt[:CHARACTERS]), plain(answer[:CHARACTERS])
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    in_prompt, in_answer = _numbers(asked), _numbers(said)
    sums = [(value, result) for value, result in _sums(said) if value is not None and result is not None]
    results = [result for _, result in sums]
    wrong = sum(abs(value - result) > max(0.01 * abs(value), 0.011) for value, result in sums)
    final = _final(said, in_answer)
    unused = set(in_prompt) - set(in_answer)
    later = [said.find(_written(result)) != said.rfind(_written(result)) for result in results[:-1]]
    new = [n for n in in_answer if n not in in_prompt and not any(abs(n - r) < 1e-6 for r in results)]
    return {
        "log_prompt": math.log1p(len(asked)),
        "log_answer": math.log1p(len(said)),
        "longer_than_prompt": math.log1p(len(said)) - math.log1p(len(asked)),
        "lines": float(min(len(lines), 60)),
        "longest_line": math.log1p(max(map(len, lines), default=0)),
        "repeated_lines": 1 - len(set(lines)) / len(lines) if lines else 0.0,
        "headings": float(min(sum(line.startswith("#") for line in lines), 20)),
        "items": float(min(sum(line[:2] in ("- ", "* ") for line in lines), 40)),
        "code": float("```" in said),
        "hedges": float(min(len(_HEDGE.findall(said)), 5)),
        "numbers_asked": float(min(len(in_prompt), 30)),
        "unused_numbers": float(min(len(unused), 20)),
        "unused_share": len(unused) / max(1, len(set(in_prompt))),
        "ratios_asked": float(min(len(_RATIOS.findall(asked)), 20)),
        "sums": float(min(len(sums), 30)),
        "no_sums": float(not sums),
        "wrong_sums": float(min(wrong, 5)),
        "wrong_share": wrong / max(1, len(sums)),
        "results_not_used": float(min(len(later) - sum(later), 10)),
        "numbers_from_nowhere": len(new) / max(1, len(in_answer)),
        "broken_numbers": float(min(sum(n != round(n) for n in in_answer), 10)),
        "has_final": float(_FINAL.search(said) is not None),
        "final_is_last_result": float(
            bool(results) and final is not None and abs(results[-1] - final) < 1e-6
        ),
        "final_is_a_result": float(final is not None and any(abs(r - final) < 1e-6 for r in results)),
        "final_was_given": float(final is not None and final in in_prompt),
        "final_is_whole": float(final is not None and abs(final - round(final)) < 1e-9),
        "log_final": math.log1p(abs(final)) if final is not None else 0.0,
        "log_largest_asked": math.log1p(max(map(abs, in_prompt), default=0.0)),
    }


def _numbers(text: str) -> list[float]:
    found = (_value(match.group()) for match in _NUMBER.finditer(text))
    return [value for value in found if value is not None]


def _value(written: str) -> float | None:
    digits = re.sub(r"[^\d.-]", "", written).rstrip(".")
    if not digits.strip("-.") or len(digits) > _MOST_DIGITS:
        return None
    try:
        return float(digits)
    except ValueError:
        return None


def _sums(text: str) -> list[tuple[float | None, float | None]]:
    """Every written calculation: what it comes to, and what the text says it comes to."""
    worked = [(_calculated(m[1]), _value(m[2])) for m in _WORKED.finditer(text)]
    rest = _WORKED.sub(" ", text)
    return worked + [(_calculated(m[1]), _value(m[2])) for m in _SUM.finditer(rest)]


def _calculated(written: str) -> float | None:
    """The value of a sum of plain numbers with + - * / and brackets; None for anything else."""
    expression = re.sub(r"[,$₩€\s]", "", written).replace("x", "*").replace("×", "*").replace("÷", "/")
    expression = re.sub(r"(\d+(?:\.\d+)?)%", r"(\1/100)", expression)
    if not re.fullmatch(r"[\d.+*/()-]{1,80}", expression) or re.search(
        rf"\d{{{_MOST_DIGITS},}}|\*\*|//", expression
    ):
        return None
    try:
        return _walked(ast.parse(expression, mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, RecursionError, MemoryError):
        return None


def _walked(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_walked(inner)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_walked(left), _walked(right))
    raise ValueError("not a sum")


def _final(said: str, numbers: list[float]) -> float | None:
    """The number the answer ends on: after its own mark, else its last one."""
    marked = [value for match in _FINAL.finditer(said) for value in _numbers(match[1])[:1]]
    return marked[-1] if marked else (numbers[-1] if numbers else None)


def _written(value: float) -> str:
    return str(int(value)) if value == round(value) else str(value)
