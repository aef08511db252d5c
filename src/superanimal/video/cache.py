"""A least-recently-used cache with a byte limit."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

Item = TypeVar("Item")


class ByteLRU(Generic[Item]):
    """Keep the most recently used items, as many as fit into ``capacity`` bytes.

    An item larger than the whole capacity is not kept. Not thread-safe: the owner holds a lock.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.used = 0
        self._items: OrderedDict[int, tuple[Item, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: int) -> Item | None:
        """Return the item of ``key`` and mark it as just used, or None."""
        entry = self._items.get(key)
        if entry is None:
            return None
        self._items.move_to_end(key)
        return entry[0]

    def put(self, key: int, item: Item, nbytes: int) -> None:
        """Store ``item``, dropping the least recently used items until it fits."""
        if nbytes > self.capacity:
            return
        if key in self._items:
            self.used -= self._items.pop(key)[1]
        while self.used + nbytes > self.capacity:
            self.used -= self._items.popitem(last=False)[1][1]
        self._items[key] = (item, nbytes)
        self.used += nbytes

    def clear(self) -> None:
        """Remove all items."""
        self._items.clear()
        self.used = 0
