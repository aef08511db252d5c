"""Lab measures: distance, speed, immobility; time, entries and latency of regions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr

from superanimal.behavior.bouts import COLUMNS, bouts_of, drop_short, fill_gaps
from superanimal.behavior.measures.path import BodyPath, body_path
from superanimal.behavior.measures.regions import Regions, edge_distance, read_regions
from superanimal.errors import InputError
from superanimal.poses import seconds, validate_poses
from superanimal.poses.dataset import PIXELS

IMMOBILE = "immobile"
METRES = {
    "m": 1.0,
    "metre": 1.0,
    "meters": 1.0,
    "cm": 0.01,
    "centimeters": 0.01,
    "mm": 0.001,
    "millimeters": 0.001,
}
STAY_S = 0.2
"""Shorter visits to a region, and shorter absences, are jitter at its border."""


@dataclass
class Measures:
    """Measures of one recording.

    Attributes
    ----------
    animals
        For each individual ``duration_s, observed_s``, body length, distance and mean speed in pixels, body
        lengths and cm (NaN without a scale); ``immobile_s, immobile_share, immobile_bouts``.
    regions
        For each individual and region ``time_s, share`` (of the observed time), ``visits, entries`` (visits
        that begin outside), ``latency_s`` (NaN if never), ``distance_px``; with an arena also
        ``edge_distance_px`` in ``animals``.
    bouts
        Bouts table of immobility and of visits, labelled ``immobile`` and with the region's name.
    paths
        One for each individual.
    notes
        What limits the result, in sentences.
    """

    animals: pd.DataFrame
    regions: pd.DataFrame
    bouts: pd.DataFrame
    paths: list[BodyPath] = field(default_factory=list, repr=False)
    notes: list[str] = field(default_factory=list)


def measure(
    poses: xr.Dataset,
    *,
    regions: Regions | str | os.PathLike[str] | None = None,
    fps: float | None = None,
    metres_per_pixel: float | None = None,
    point: str | None = None,
    immobile_below: float = 0.1,
    immobile_least_s: float = 1.0,
) -> Measures:
    """Measure how animals move, and where they are.

    Parameters
    ----------
    poses
        A pose data set.
    regions
        Regions and arena, or a file of them, see :func:`superanimal.behavior.measures.read_regions`.
    fps
        Frames per second, if the poses do not state it.
    metres_per_pixel
        Scale, used for lengths in cm.
    point
        Keypoint that stands for the animal; the mean of its trunk by default.
    immobile_below, immobile_least_s
        An animal is immobile where it moves less than this, in body lengths per second, for at least so long.

    Returns
    -------
    Measures
        Tables; ``notes`` say what could not be measured.

    Raises
    ------
    InputError
        When no frame rate is known, or the scale is no positive number.
    """
    validate_poses(poses)
    if metres_per_pixel is not None and not (np.isfinite(metres_per_pixel) and metres_per_pixel > 0):
        raise InputError(f"a scale of {metres_per_pixel} metres per pixel", "it must be a positive number")
    if isinstance(regions, str | os.PathLike):
        regions = read_regions(regions)
    unit = str(poses.attrs.get("space_unit", PIXELS))
    if regions is not None and poses.sizes["space"] != 2:
        raise InputError(f"regions and poses with x, y and z in {unit}", "regions are of the picture")
    scale = metres_per_pixel if unit == PIXELS else METRES.get(unit.lower())
    times = seconds(poses, fps, "measuring")
    animals, places, bouts, paths, notes = [], [], [], [], list[str]()
    for individual in map(str, poses["individual"].values):
        path = body_path(poses, individual, times, point)
        paths.append(path)
        still = _still(path, immobile_below, immobile_least_s)
        bouts.append(still)
        animals.append(_animal_row(path, still, scale, unit))
        if regions is not None and regions.arena is not None:
            animals[-1]["edge_distance_px"] = _mean(edge_distance(regions.arena, path.position), path.shown)
        if not path.seen.any():
            notes.append(
                f"{individual}: never seen with a confidence of 0.6 or more, so nothing is measured."
            )
        elif (missing := 1 - float(path.shown[path.seen].sum() / path.shown.sum())) > 0.05:
            notes.append(
                f"{individual}: not seen in {100 * missing:.0f} % of the time; that time counts nowhere."
            )
        for name in regions.names if regions is not None else ():
            visits = _visits(path, regions.inside(name, path.position), name)  # type: ignore[union-attr]
            bouts.append(visits)
            places.append(_region_row(path, visits, name))
    return Measures(
        pd.DataFrame(animals), pd.DataFrame(places, columns=REGION_COLUMNS), _below(bouts), paths, notes
    )


REGION_COLUMNS = ["individual", "region", "time_s", "share", "visits", "entries", "latency_s", "distance_px"]


def _animal_row(path: BodyPath, still: pd.DataFrame, scale: float | None, unit: str) -> dict[str, object]:
    moved = np.isfinite(path.step)
    way = float(path.step[moved].sum()) if moved.any() else float("nan")
    time = float(path.shown[moved].sum())
    speed = way / time if time else float("nan")
    cm = 100 * scale if scale else float("nan")
    pixels = 1.0 if unit == PIXELS else float("nan")
    observed = float(path.shown[path.seen].sum())
    still_s = float((still["end_s"] - still["start_s"]).sum())
    return {
        "individual": path.individual,
        "duration_s": float(path.shown.sum()),
        "observed_s": observed,
        "body_length_px": path.length * pixels,
        "body_length_cm": path.length * cm,
        "distance_px": way * pixels,
        "distance_body": way / path.length,
        "distance_cm": way * cm,
        "speed_px": speed * pixels,
        "speed_body": speed / path.length,
        "speed_cm": speed * cm,
        "immobile_s": still_s,
        "immobile_share": still_s / observed if observed else float("nan"),
        "immobile_bouts": len(still),
    }


def _still(path: BodyPath, below: float, least_s: float) -> pd.DataFrame:
    slow = (path.speed < below * path.length) & np.isfinite(path.speed)
    table = bouts_of(slow[:, None], path.times, [IMMOBILE], individual=path.individual)
    return drop_short(fill_gaps(table, STAY_S), least_s)


def _visits(path: BodyPath, inside: np.ndarray, name: str) -> pd.DataFrame:
    table = bouts_of(inside[:, None], path.times, [name], individual=path.individual)
    return drop_short(fill_gaps(table, STAY_S), STAY_S)


def _region_row(path: BodyPath, visits: pd.DataFrame, name: str) -> dict[str, object]:
    observed = float(path.shown[path.seen].sum())
    first = float(path.times[path.seen][0]) if path.seen.any() else 0.0
    inside = np.zeros(len(path.times), dtype=bool)
    for start, end in visits[["start_s", "end_s"]].to_numpy(float):
        inside |= (path.times >= start - 1e-9) & (path.times < end - 1e-9)
    inside &= path.seen
    time = float(path.shown[inside].sum())
    begins_inside = bool(len(visits)) and float(visits["start_s"].min()) <= first + STAY_S
    return {
        "individual": path.individual,
        "region": name,
        "time_s": time,
        "share": time / observed if observed else float("nan"),
        "visits": len(visits),
        "entries": len(visits) - begins_inside,
        "latency_s": float(visits["start_s"].min()) - first if len(visits) else float("nan"),
        "distance_px": float(np.nansum(path.step[inside])),
    }


def _mean(values: np.ndarray, weights: np.ndarray) -> float:
    known = np.isfinite(values)
    return float(np.average(values[known], weights=weights[known])) if known.any() else float("nan")


def _below(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    full = [table for table in tables if len(table)]
    if not full:
        return tables[0] if tables else pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(full, ignore_index=True).sort_values(
        ["start_s", "end_s"], kind="stable", ignore_index=True
    )
