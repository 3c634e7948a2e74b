"""The latest values by path, each valid for one version of its files."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

#: What tells two states of a file apart: inode, size, time of its last change in ns.
Version = tuple[int, int, int]
Value = TypeVar("Value")


def version_of(facts: os.stat_result) -> Version:
    """The version of a file."""
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


class VersionedCache(Generic[Value]):
    """Values read from files; every method may be called from any thread.

    Args:
        size: Values kept in memory; the one used longest ago is dropped first.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[tuple[str, ...], tuple[object, Value]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[str, ...], version: object, read: Callable[[], Value]) -> Value:
        """The stored value, or that of ``read()`` if there is none of this version."""
        with self._lock:
            stored = self._values.get(key)
            if stored is not None and stored[0] == version:
                self._values.move_to_end(key)
                return stored[1]
        value = read()
        with self._lock:
            self._values[key] = (version, value)
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)
        return value
