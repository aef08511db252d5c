"""The skeleton of a pose data set, and names as SLEAP files store them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import xarray as xr

from superanimal.errors import FormatError
from superanimal.poses import KeypointSpace, space_for


@dataclass(frozen=True)
class Skeleton:
    """Name, keypoints, edges and symmetric (left/right) pairs of a skeleton."""

    name: str
    keypoints: list[str]
    edges: list[tuple[str, str]]
    pairs: list[tuple[str, str]]

    def for_sleap(self) -> Any:
        """Return the skeleton as ``sleap_io.Skeleton``."""
        import sleap_io

        nodes = {name: sleap_io.Node(name) for name in self.keypoints}
        return sleap_io.Skeleton(
            name=self.name,
            nodes=list(nodes.values()),
            edges=[sleap_io.Edge(nodes[a], nodes[b]) for a, b in self.edges],
            symmetries=[sleap_io.Symmetry([nodes[a], nodes[b]]) for a, b in self.pairs],
        )


def skeleton_of(keypoints: Iterable[str], space: KeypointSpace | None = None) -> Skeleton:
    """Return the skeleton of the given keypoints, with edges and symmetries from their keypoint space.

    Parameters
    ----------
    space
        Their keypoint space; by default the shipped space that has them all, if there is one.
    """
    names = [str(name) for name in keypoints]
    space = space or space_for(names)

    def within(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(a, b) for a, b in pairs if a in names and b in names]

    if space is None:
        return Skeleton("animal", names, [], [])
    return Skeleton(space.name, names, within(space.edges), within(space.pairs))


def skeleton_in(ds: xr.Dataset, path: str | os.PathLike[str]) -> Skeleton:
    """Return the skeleton of a data set.

    Raises
    ------
    FormatError
        When there is no keypoint or no individual to write.
    """
    if not ds.sizes["keypoint"] or not ds.sizes["individual"]:
        raise FormatError(
            f"{path}: {ds.sizes['individual']} individuals with {ds.sizes['keypoint']} keypoints",
            "SLEAP files need at least one of each",
            "save as movement netCDF instead",
        )
    return skeleton_of(ds["keypoint"].values)


def distinct(names: Iterable[str], path: str | os.PathLike[str]) -> list[str]:
    """Return track names made unique and non-empty, with a warning if two were equal."""
    found = [str(name) for name in names]
    taken = set(found)
    unique: list[str] = []
    for number, name in enumerate(found):
        if name and name not in unique:
            unique.append(name)
            continue
        new = free_name(name or f"track_{number}", taken)
        taken.add(new)
        unique.append(new)
        if name:
            warnings.warn(f"{path}: two tracks are named {name!r}; one is read as {new!r}", stacklevel=2)
    return unique


def free_name(name: str, taken: Iterable[str]) -> str:
    """Return the name, with a number appended if it is taken."""
    known, new, number = set(taken), name, 2
    while new in known:
        new = f"{name}_{number}"
        number += 1
    return new
