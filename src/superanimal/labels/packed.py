"""Encoded pictures inside a training store: the location and bytes of each."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import zarr
from numpy.typing import NDArray

PART = 512
"""Number of pictures per part."""


def part_name(part: int) -> str:
    """Return the name of a part of the pictures."""
    return f"{part:06d}"


def read_encoded(path: str, i: int) -> bytes:
    """Return the encoded bytes of picture ``i`` of a store."""
    start, length = _places(path)
    file = Path(path) / "images" / part_name(i // PART) / "c" / "0"
    with file.open("rb") as chunk:
        chunk.seek(int(start[i]))
        return chunk.read(int(length[i]))


def count_encoded(path: str) -> int:
    """Return the number of pictures of a store."""
    return len(_places(path)[0])


@lru_cache(maxsize=8)
def _places(path: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    group = zarr.open_group(path, mode="r")
    return np.asarray(group["start"][:]), np.asarray(group["length"][:])  # type: ignore[index]
