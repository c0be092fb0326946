"""The gate: vetoes first, then a score."""

from ccos.quality.findings import checks
from ccos.quality.gate import Gate, Scorer
from ccos.quality.heuristic import HeuristicBaseline

__all__ = ["Gate", "HeuristicBaseline", "Scorer", "checks"]
