"""The gate: vetoes first, then a score."""

from ccos.quality.findings import checks
from ccos.quality.gate import CUSTOMER_TASKS, Gate, Scorer
from ccos.quality.heuristic import HeuristicBaseline

__all__ = ["CUSTOMER_TASKS", "Gate", "HeuristicBaseline", "Scorer", "checks"]
