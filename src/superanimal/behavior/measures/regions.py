"""Regions of the picture: polygons with names, and the arena with its centre and periphery."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from superanimal.errors import FormatError, InputError, NotFoundError
from superanimal.formats.guard import reading
from superanimal.formats.text import table_text
from superanimal.reports.files import write_json

CENTRE, PERIPHERY, ARENA = "centre", "periphery", "arena"
CENTRE_AREA = 0.5
"""Share of the arena's area that is its centre: the arena shrunk towards its middle."""
ROUND = 64
"""Corners of the polygon that stands for an ellipse."""
SHAPES = {"shape-type", "vertex-index", "axis-0", "axis-1"}
"""Columns of the csv in which napari saves a Shapes layer."""


@dataclass(frozen=True)
class Regions:
    """Polygons in pixels of the poses.

    Attributes
    ----------
    polygons
        Name to corners, (N, 2) x, y.
    arena
        Corners of the arena, None if not given; its centre and periphery are regions too.
    """

    polygons: Mapping[str, np.ndarray] = field(default_factory=dict)
    arena: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.arena is not None and (taken := {CENTRE, PERIPHERY} & set(self.polygons)):
            raise InputError(
                f"a region is called {sorted(taken)[0]!r}",
                "the arena's own regions have that name",
                "rename it",
            )
        for name, corners in [
            *self.polygons.items(),
            *([(ARENA, self.arena)] if self.arena is not None else []),
        ]:
            corners = np.asarray(corners)
            if (
                corners.ndim != 2
                or corners.shape[1] != 2
                or len(corners) < 3
                or not np.isfinite(corners).all()
            ):
                raise InputError(
                    f"the region {name!r} has corners of shape {corners.shape}",
                    "a region is three or more x, y",
                )

    @property
    def names(self) -> list[str]:
        """Names of all regions, with the centre and periphery of the arena."""
        return [*self.polygons, *([CENTRE, PERIPHERY] if self.arena is not None else [])]

    def inside(self, name: str, points: np.ndarray) -> np.ndarray:
        """Return which points (T, 2) x, y lie in a region, (T,) bool; NaN lies in none."""
        if name == CENTRE:
            assert self.arena is not None
            return _inside(shrunk(self.arena, CENTRE_AREA), points)
        if name == PERIPHERY:
            assert self.arena is not None
            return ~_inside(shrunk(self.arena, CENTRE_AREA), points) & np.isfinite(points).all(axis=1)
        return _inside(self.polygons[name], points)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the regions as JSON; return the path."""
        return write_json(Path(path), self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-serialisable data."""
        document: dict[str, Any] = {
            "regions": {name: np.asarray(corners).tolist() for name, corners in self.polygons.items()}
        }
        return document if self.arena is None else document | {ARENA: np.asarray(self.arena).tolist()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Regions:
        """Return what :meth:`to_dict` wrote."""
        arena = data.get(ARENA)
        polygons = {str(name): np.asarray(each, float) for name, each in data.get("regions", {}).items()}
        return cls(polygons, None if arena is None else np.asarray(arena, float))


def read_regions(path: str | os.PathLike[str]) -> Regions:
    """Read regions.

    Parameters
    ----------
    path
        JSON with ``{"arena": [[x, y], ...], "regions": {"name": [[x, y], ...]}}``, either being optional, or
        the csv in which napari saves a Shapes layer (regions are called ``region1``, ``region2``, ...).

    Raises
    ------
    NotFoundError, FormatError, InputError
        No such file; another format; a region that is no polygon.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFoundError(f"{path}: no such file of regions")
    with reading(path, "regions"):
        text = table_text(path.read_bytes())[0]
        if text.lstrip().startswith("{"):
            document = json.loads(text)
            if not {ARENA, "regions"} & set(document):
                raise FormatError(
                    f"{path}: its keys are {', '.join(map(str, document))}",
                    'regions are {"arena": [[x, y], ...], "regions": {"name": [[x, y], ...]}}',
                )
            return Regions.from_dict(document)
        table = pd.read_csv(StringIO(text))
        if not set(table.columns) >= SHAPES:
            raise FormatError(
                f"{path}: the columns are {', '.join(map(str, table.columns))}",
                "regions are JSON, or shapes saved by napari",
            )
        groups = list(table.groupby("index", sort=True))
        axes = sorted((name for name in table.columns if name.startswith("axis-")), key=lambda n: int(n[5:]))
        return regions_from_shapes(
            [own.sort_values("vertex-index")[axes].to_numpy(float) for _, own in groups],
            [str(own["shape-type"].iloc[0]) for _, own in groups],
        )


def regions_from_shapes(
    vertices: Sequence[np.ndarray],
    kinds: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    *,
    arena: str | None = None,
) -> Regions:
    """Return regions from the vertices of a napari Shapes layer.

    Parameters
    ----------
    vertices
        Arrays (N, D) whose last two axes are y, x, in pixels of the poses.
    kinds
        ``layer.shape_type``: ellipses are given by the corners of their box; polygons by default.
    names
        One for each shape; ``region1``, ``region2``, ... by default.
    arena
        Name of the shape that is the arena.

    Raises
    ------
    InputError
        When names are not unique, or there is no such arena.
    """
    names = list(names) if names is not None else [f"region{k + 1}" for k in range(len(vertices))]
    if len(set(names)) != len(vertices):
        raise InputError(f"the regions are called {', '.join(names)}", "each of them has a name of its own")
    polygons = {}
    for k, (name, each) in enumerate(zip(names, vertices, strict=True)):
        corners = np.asarray(each, dtype=float)[:, :-3:-1]  # x, y
        polygons[str(name)] = _ellipse(corners) if kinds is not None and kinds[k] == "ellipse" else corners
    if arena is None:
        return Regions(polygons)
    if arena not in polygons:
        raise InputError(f"there is no region {arena!r} for the arena", f"there are {', '.join(names)}")
    return Regions({name: each for name, each in polygons.items() if name != arena}, polygons[arena])


def region_names(regions: Regions | None) -> tuple[str, ...]:
    """Return what is drawn: ``arena``, if there is one, and the names of the regions, sorted."""
    if regions is None:
        return ()
    return (*([ARENA] if regions.arena is not None else []), *sorted(regions.polygons))


def shrunk(corners: np.ndarray, area: float) -> np.ndarray:
    """Return a polygon shrunk towards its centre of area to a share of its area."""
    middle = centroid(corners)
    return np.asarray(middle + (corners - middle) * np.sqrt(area))


def centroid(corners: np.ndarray) -> np.ndarray:
    """Return the centre of area of a polygon, (2,)."""
    after = np.roll(corners, -1, axis=0)
    cross = corners[:, 0] * after[:, 1] - after[:, 0] * corners[:, 1]
    if abs(cross.sum()) < 1e-9:
        return np.asarray(corners.mean(axis=0))
    return np.asarray(((corners + after) * cross[:, None]).sum(axis=0) / (3 * cross.sum()))


def edge_distance(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the distance of points (T, 2) to the nearest edge of a polygon, (T,)."""
    best = np.full(len(points), np.inf)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        along = end - start
        part = np.clip((points - start) @ along / max(float(along @ along), 1e-12), 0, 1)
        best = np.minimum(best, np.linalg.norm(points - start - part[:, None] * along, axis=1))
    return np.where(np.isfinite(points).all(axis=1), best, np.nan)


def depth(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return how far inside a polygon points (T, 2) lie, (T,): negative outside, NaN where absent."""
    return np.where(_inside(corners, points), 1, -1) * edge_distance(corners, points)


def _inside(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    from matplotlib.path import Path as Outline

    return np.asarray(Outline(np.asarray(corners, float)).contains_points(np.nan_to_num(points, nan=np.inf)))


def _ellipse(box: np.ndarray) -> np.ndarray:
    middle, u, v = box.mean(axis=0), (box[1] - box[0]) / 2, (box[3] - box[0]) / 2
    angle = np.linspace(0, 2 * np.pi, ROUND, endpoint=False)
    return np.asarray(middle + np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v)
