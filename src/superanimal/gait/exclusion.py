"""Strides that a person leaves out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from superanimal.errors import InputError
from superanimal.gait.analysis import tabulate
from superanimal.gait.result import GaitResult

EXCLUDED = "left out by hand"
"""What stands in ``refused`` of a stride that a person left out."""


def exclude(result: GaitResult, strides: Iterable[int]) -> GaitResult:
    """Return a result without some of its kept strides; all tables follow.

    Parameters
    ----------
    result
        The analysis of one recording; it stays as it is.
    strides
        Rows of ``result.strides``, counted from 0. Those that are refused anyway keep their reason.

    Raises
    ------
    InputError
        When there is no such row, or the result is that of several files.
    """
    if result.found is None:
        raise InputError(
            "the result is that of several files", "strides are left out of the result of one recording",
            "leave them out before the results are joined",
        )  # fmt: skip
    rows = set(strides)
    if wrong := sorted(row for row in rows if not 0 <= row < len(result.strides)):
        raise InputError(f"there is no stride {wrong[0]}", f"strides are 0 to {len(result.strides) - 1}")
    animals, first = [], 0
    for animal in result.found.animals:
        own = [
            replace(stride, refused=stride.refused or (EXCLUDED if first + k in rows else ""))
            for k, stride in enumerate(animal.strides)
        ]
        animals.append(replace(animal, strides=own))
        first += len(own)
    return tabulate(replace(result.found, animals=animals))
