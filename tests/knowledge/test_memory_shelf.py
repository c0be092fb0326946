import pytest

from ccos.knowledge.memory import MemoryShelf
from support.shelf_contract import ShelfContract


class TestMemoryShelf(ShelfContract):
    @pytest.fixture
    def shelf(self) -> MemoryShelf:
        return MemoryShelf()
