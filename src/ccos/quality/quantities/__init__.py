"""Numbers as facts, whatever their spelling.

3만 5천원 and ₩35,000 are one amount; 2026년 11월 3일 and 2026-11-03 one day; 오후 3시 and 15:00 one time.
"""

from ccos.quality.quantities.identifiers import code_key
from ccos.quality.quantities.scan import Quantity, quantities

__all__ = ["Quantity", "code_key", "quantities"]
