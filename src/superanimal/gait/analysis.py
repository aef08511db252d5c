"""From poses to events, strides, phases and a summary."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import xarray as xr

from superanimal.errors import InputError
from superanimal.gait.coordination import (
    circular_interval,
    circular_mean,
    circular_spread,
    gait_of,
    phases_of,
)
from superanimal.gait.coupling import coupling_table
from superanimal.gait.event_files import events_of, read_events
from superanimal.gait.events import Detector, Event, Refused, find_events
from superanimal.gait.found import Animal, Found
from superanimal.gait.joints import joint_tables
from superanimal.gait.limbs import Limb, Limbs, find_limbs
from superanimal.gait.notes import notes_of
from superanimal.gait.recording import Recording, make_recording
from superanimal.gait.result import TABLES, GaitResult
from superanimal.gait.scale import Body, GroundMarks, Scale, find_body
from superanimal.gait.strides import Stride, find_strides
from superanimal.gait.symmetry import symmetry_table
from superanimal.gait.vertical import vertical_table
from superanimal.groups import by_animal, compare_groups
from superanimal.groups import with_groups as groups_of
from superanimal.poses import require_pixels, seconds
from superanimal.progress import Progress

Source: TypeAlias = xr.Dataset | str | os.PathLike[str]

EVENTS = ["individual", "limb", "event", "time_s", "frame", "confidence", "deviation_s"]
STRIDES = [
    "individual", "limb", "start_s", "lift_s", "end_s", "duration_s", "stance_s", "swing_s", "duty_factor",
    "frequency_hz", "length_px", "length_body", "length_m", "speed", "speed_body_s", "speed_m_s",
    "speed_variation", "swing_height_px", "swing_height_body", "swing_height_m", "step_length_px",
    "step_length_body", "step_length_m", "step_width_px", "step_width_body", "step_width_m", "slip",
    "closure", "confidence", "gait", "refused",
]  # fmt: skip
PHASES = ["individual", "reference", "limb", "start_s", "phase"]
REFUSED = ["individual", "limb", "start_s", "end_s", "reason"]
MEASURES = (
    "duration_s", "stance_s", "swing_s", "duty_factor", "frequency_hz", "length_px", "length_body",
    "length_m", "speed", "speed_body_s", "speed_m_s", "speed_variation", "swing_height_px",
    "swing_height_body", "swing_height_m", "step_length_px", "step_length_body", "step_length_m",
    "step_width_px", "step_width_body", "step_width_m", "slip", "closure",
)  # fmt: skip
"""Columns of the strides with a median and a standard deviation in the summary."""
COMPARED = (
    ("duration_s",), ("stance_s",), ("swing_s",), ("duty_factor",), ("length_m", "length_body", "length_px"),
    ("speed_m_s", "speed_body_s", "speed"), ("speed_variation",),
    ("swing_height_m", "swing_height_body", "swing_height_px"),
    ("step_length_m", "step_length_body", "step_length_px"),
    ("step_width_m", "step_width_body", "step_width_px"),
)  # fmt: skip
"""What is compared between groups, each in the first unit that is known."""


def analyze(
    poses: Source | Sequence[Source],
    limbs: Limbs | None = None,
    *,
    fps: float | None = None,
    groups: str | os.PathLike[str] | pd.DataFrame | None = None,
    detector: Detector = "contact",
    ground_line: np.ndarray | None = None,
    metres_per_pixel: float | None = None,
    body_length_m: float | None = None,
    ground_marks: GroundMarks | None = None,
    events: str | os.PathLike[str] | pd.DataFrame | None = None,
    progress: Progress | None = None,
) -> GaitResult:
    """Find contacts and lifts, strides, phases and gaits of all animals of a pose data set.

    Parameters
    ----------
    poses
        A pose data set, a pose file, or several of them (tables then have a column ``file``).
    limbs
        Limb name to one or several keypoints, such as ``{"left_hind": "LeftHindHoof"}`` or
        ``{"right": ["right_heel", "right_toe"]}``; derived from the keypoint names by default.
    fps
        Frames per second, if the poses do not state it.
    groups
        Table (csv or data frame) with a column ``file`` and any others, such as ``animal`` and ``group``,
        which are added to strides and summary.
    detector
        See :func:`superanimal.gait.events.find_events`.
    ground_line
        For the detector ``"height"``: (2, 2), two points x, y on the ground in pixels.
    metres_per_pixel, body_length_m, ground_marks
        One of them gives lengths in metres: the length of a pixel; that of the animal between the two points
        of its trunk that lie furthest apart (``body`` in the summary says which); or (N, 3) places on the
        ground, each x and y in pixels and its position along the walkway in metres, for a camera that stands
        still. From three places on, perspective counts.
    events
        Contacts and lifts of one recording that a person has set, used instead of a detector: a table or file
        as in :func:`superanimal.gait.event_files.read_events`, which also reads exports of BORIS.
    progress
        Counts the animals, and may cancel between them.

    Returns
    -------
    GaitResult
        The results; ``notes`` state what could not be computed, and why.

    Raises
    ------
    InputError
        When no limb or frame rate is known, or the recording is too short.
    """
    several = isinstance(poses, Sequence) and not isinstance(poses, str)
    sources: list[Source] = list(poses) if several else [poses]  # type: ignore[arg-type, list-item]
    if not sources:
        raise InputError("no poses are given", "give one or more pose data sets or files")
    if events is not None and len(sources) > 1:
        raise InputError(f"one table of events for {len(sources)} files", "it belongs to one recording")
    given = read_events(events) if isinstance(events, str | os.PathLike) else events
    scale = Scale(metres_per_pixel, body_length_m, ground_marks)
    scale.check()
    if groups is not None:
        check_groups(groups, [_file_of(source) for source in sources])
    options = {"fps": fps, "scale": scale}
    results = []
    for source in sources:
        data = require_pixels(_load(source), "gait")
        facts = {"file": _file_of(source), "detector": detector if given is None else "by hand", **options}
        animals = []
        for recording in _recordings(data, find_limbs(_names(data, "keypoint"), limbs), facts, progress):
            if given is None:
                found, refused = find_events(recording, detector, ground_line)
            else:
                found, refused = events_of(given, recording, _names(data, "individual")), []
            animals.append(Animal(recording, found, refused, find_strides(recording, found, refused)))
        results.append(tabulate(Found(data, animals, facts)))
    result = results[0] if not several else joined(results)
    return with_groups(result, groups) if groups is not None else result


def _load(source: Source) -> xr.Dataset:
    if isinstance(source, xr.Dataset):
        return source
    from superanimal.formats import load_poses

    return load_poses(source)


def _file_of(source: Source) -> str:
    return str(source.attrs.get("source_file", "")) if isinstance(source, xr.Dataset) else str(source)


def _names(poses: xr.Dataset, dim: str) -> list[str]:
    return [str(name) for name in poses[dim].values]


def _recordings(
    poses: xr.Dataset, limbs: Sequence[Limb], facts: dict[str, Any], progress: Progress | None
) -> Iterator[Recording]:
    """Yield each animal on its clock; ``facts`` learn the limbs."""
    facts["limbs"] = {limb.name: list(limb.keypoints) for limb in limbs}
    time = seconds(poses, facts["fps"], "gait analysis")
    progress = progress or Progress()
    progress.start(poses.sizes["individual"], Path(facts["file"]).name or "gait", "animals")
    for individual in _names(poses, "individual"):
        progress.check()
        yield make_recording(poses, individual, limbs, time)
        progress.advance()


def tabulate(found: Found) -> GaitResult:
    """Write what was found in a recording into tables."""
    poses, scale = found.poses, found.facts["scale"]
    tables: dict[str, list[dict[str, object]]] = {
        name: [] for name in ("events", "strides", "phases", "refused")
    }
    summary: list[dict[str, object]] = []
    joints: list[tuple[pd.DataFrame, pd.DataFrame]] = []
    vertical: list[pd.DataFrame] = []
    coupling: list[pd.DataFrame] = []
    notes: list[str] = []
    for animal in found.animals:
        recording, events, strides = animal.recording, animal.events, animal.strides
        name_gaits(recording, events, strides)
        tables["events"] += [_event_row(recording, event) for event in events]
        body = find_body(poses, recording)
        per_pixel, why = scale.of(recording, body)
        notes += [f"{recording.individual}: {why}."] if why else []
        tables["strides"] += [_stride_row(recording, stride, body, per_pixel, scale) for stride in strides]
        tables["phases"] += _phase_rows(recording, events, strides)
        tables["refused"] += [_refused_row(recording, each) for each in animal.refused]
        summary += _summary_rows(recording, strides, body, tables)
        notes += notes_of(animal)
        phases = pd.DataFrame(tables["phases"], columns=PHASES)
        coupling.append(coupling_table(phases, recording.individual, recording.limbs))
        joints.append(joint_tables(poses, recording, strides))
        vertical.append(vertical_table(poses, recording, strides))
    stride_table = pd.DataFrame(tables["strides"], columns=STRIDES)
    return GaitResult(
        events=pd.DataFrame(tables["events"], columns=EVENTS),
        strides=stride_table,
        phases=pd.DataFrame(tables["phases"], columns=PHASES),
        summary=pd.DataFrame(summary),
        refused=pd.DataFrame(tables["refused"], columns=REFUSED),
        notes=notes,
        facts=dict(found.facts),
        cycles=_stacked([cycles for cycles, _ in joints]),
        joints=_stacked([each for _, each in joints]),
        symmetry=symmetry_table(stride_table),
        vertical=_stacked(vertical),
        coupling=_stacked(coupling),
        found=found,
    )


def name_gaits(recording: Recording, events: Sequence[Event], strides: Sequence[Stride]) -> None:
    """Set the gait of each stride from the phases of all limbs and the mean duty factor around it."""
    contacts = contact_times(recording, events)
    good = [stride for stride in strides if not stride.refused]
    for stride in strides:
        near = [s.duty for s in good if s.start < stride.end and s.end > stride.start]
        duty = float(np.mean(near)) if near else stride.duty
        stride.gait = gait_of(phases_of(stride, contacts), duty, recording.limbs)


def contact_times(recording: Recording, events: Sequence[Event]) -> list[np.ndarray]:
    """Return the contact times of each limb, seconds."""
    return [
        np.array([event.time for event in events if event.limb == limb and event.contact])
        for limb in range(len(recording.limbs))
    ]


def _event_row(recording: Recording, event: Event) -> dict[str, object]:
    return {
        "individual": recording.individual,
        "limb": recording.limbs[event.limb].name,
        "event": "contact" if event.contact else "lift",
        "time_s": event.time,
        "frame": int(recording.frame[np.argmin(np.abs(recording.time - event.time))]),
        "confidence": event.confidence,
        "deviation_s": event.deviation,
    }


def _stride_row(
    recording: Recording, stride: Stride, body: Body | None, per_pixel: float | None, scale: Scale
) -> dict[str, object]:
    lengths = body.length if body else float("nan")
    pixel = per_pixel or float("nan")
    end = stride.landing + stride.vector

    def metres(pixels: float, start: np.ndarray) -> float:
        """Return how far it is from a place to where the stride ends."""
        return pixels * per_pixel if per_pixel else scale.along(recording, start, end)

    length = metres(stride.length, stride.landing)
    return {
        "individual": recording.individual,
        "limb": recording.limbs[stride.limb].name,
        "start_s": stride.start,
        "lift_s": stride.lift,
        "end_s": stride.end,
        "duration_s": stride.duration,
        "stance_s": stride.lift - stride.start,
        "swing_s": stride.end - stride.lift,
        "duty_factor": stride.duty,
        "frequency_hz": 1 / stride.duration,
        "length_px": stride.length,
        "length_body": stride.length / lengths,
        "length_m": length,
        "speed": stride.speed,
        "speed_body_s": stride.speed / lengths,
        "speed_m_s": stride.speed * per_pixel if per_pixel else length / stride.duration,
        "speed_variation": stride.speed_variation,
        "swing_height_px": stride.swing_height,
        "swing_height_body": stride.swing_height / lengths,
        "swing_height_m": stride.swing_height * pixel,
        "step_length_px": stride.step_length,
        "step_length_body": stride.step_length / lengths,
        "step_length_m": metres(stride.step_length, stride.opposite),
        "step_width_px": stride.step_width,
        "step_width_body": stride.step_width / lengths,
        "step_width_m": stride.step_width * pixel,
        "slip": stride.slip,
        "closure": stride.closure,
        "confidence": stride.confidence,
        "gait": stride.gait,
        "refused": stride.refused,
    }


def _phase_rows(
    recording: Recording, events: Sequence[Event], strides: Sequence[Stride]
) -> list[dict[str, object]]:
    contacts = contact_times(recording, events)
    rows: list[dict[str, object]] = []
    for stride in strides:
        if stride.refused:
            continue
        for limb, phase in enumerate(phases_of(stride, contacts)):
            if limb != stride.limb and np.isfinite(phase):
                rows.append(
                    {
                        "individual": recording.individual,
                        "reference": recording.limbs[stride.limb].name,
                        "limb": recording.limbs[limb].name,
                        "start_s": stride.start,
                        "phase": float(phase),
                    }
                )
    return rows


def _refused_row(recording: Recording, each: Refused) -> dict[str, object]:
    return {
        "individual": recording.individual,
        "limb": recording.limbs[each.limb].name,
        "start_s": each.start,
        "end_s": each.end,
        "reason": each.reason,
    }


def _summary_rows(
    recording: Recording,
    strides: Sequence[Stride],
    body: Body | None,
    tables: dict[str, list[dict[str, object]]],
) -> list[dict[str, object]]:
    who = recording.individual
    rows = []
    first = recording.limbs[0].name
    for limb in recording.limbs:
        own = pd.DataFrame(
            [row for row in tables["strides"] if row["individual"] == who and row["limb"] == limb.name],
            columns=STRIDES,
        )
        kept = own[own["refused"] == ""]
        row: dict[str, object] = {
            "individual": who, "limb": limb.name, "strides": len(own), "kept": len(kept),
            "gait": str(kept["gait"].mode().iloc[0]) if len(kept) else "",
            "ground": recording.ground.kind,
            "belt_speed": float(np.linalg.norm(np.median(recording.ground.velocity, axis=0)))
            if recording.ground.kind == "steady" else float("nan"),
            "body": " to ".join(body.ends) if body else "",
            "body_length_px": body.length if body else float("nan"),
        }  # fmt: skip
        for measure in MEASURES:
            values = kept[measure].to_numpy(float)
            values = values[np.isfinite(values)]
            row[measure] = float(np.median(values)) if values.size else float("nan")
            row[f"{measure}_sd"] = float(values.std(ddof=1)) if values.size > 1 else float("nan")
        phases = np.array(
            [
                float(str(each["phase"]))
                for each in tables["phases"]
                if each["individual"] == who and each["reference"] == first and each["limb"] == limb.name
            ]
        )
        row["phase"] = 0.0 if limb.name == first and len(kept) else circular_mean(phases)
        row["phase_sd"] = circular_spread(phases)
        row["phase_low"], row["phase_high"] = circular_interval(phases)
        rows.append(row)
    return rows


def joined(results: Sequence[GaitResult]) -> GaitResult:
    """Return the results of several files as one, with a column ``file`` first in each table."""
    tables: dict[str, Any] = {}
    for name in (*TABLES, "cycles", "joints", "symmetry", "vertical", "coupling"):
        parts = []
        for result in results:
            table = getattr(result, name).copy()
            table.insert(0, "file", result.facts.get("file", ""))
            parts.append(table)
        tables[name] = _stacked(parts)
    notes = [
        f"{Path(str(result.facts.get('file', ''))).name}: {note}"
        for result in results
        for note in result.notes
    ]
    facts = {"files": [r.facts.get("file", "") for r in results], "recordings": [r.facts for r in results]}
    return GaitResult(**tables, notes=notes, facts=facts)


def _stacked(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return tables below each other; empty ones would change the types of the others' columns."""
    if not parts:
        return pd.DataFrame()
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def with_groups(result: GaitResult, groups: str | os.PathLike[str] | pd.DataFrame) -> GaitResult:
    """Return a result with the columns of a table of groups in strides and summary, and a comparison.

    Two groups or more (column ``group``) are compared in :data:`COMPARED` and in the phases of left and right
    and of hind and fore limbs, with the animal as the unit (:func:`superanimal.groups.by_animal`), see
    :func:`superanimal.groups.compare_groups`.

    Raises
    ------
    InputError
        When the table of groups does not fit, see :func:`superanimal.groups.with_groups`.
    """
    if "file" not in result.strides.columns:
        result = joined([result])
    files = [str(file) for file in result.facts["files"]]
    strides, summary = (groups_of(frame, groups, files) for frame in (result.strides, result.summary))
    comparison, notes = pd.DataFrame(), list[str]()
    if "group" in strides.columns and strides["group"].nunique() > 1:
        values = by_animal(strides)
        kept = values[values["refused"] == ""]
        phases = _phases_of_pairs(result.coupling, values)
        measures = [m for each in COMPARED if (m := next((m for m in each if kept[m].notna().any()), ""))]
        pairs = [name for name in phases.columns if name not in kept.columns]
        comparison, notes = compare_groups(
            pd.concat([kept, phases]), [*measures, *pairs], circular=frozenset(pairs)
        )
    return replace(
        result, strides=strides, summary=summary, comparison=comparison, notes=[*result.notes, *notes]
    )


def check_groups(groups: str | os.PathLike[str] | pd.DataFrame, files: Sequence[str | Path]) -> None:
    """Raise what :func:`with_groups` would, before any of the files is analysed."""
    names = [str(file) for file in files]
    groups_of(pd.DataFrame({**dict.fromkeys(STRIDES, names), "file": names}), groups, names)


def _phases_of_pairs(coupling: pd.DataFrame, animals: pd.DataFrame) -> pd.DataFrame:
    """Return ``animal, group`` and the mean phases of pairs of limbs, one row for each animal of a file."""
    who = ["file", "individual"]
    known = animals[[*who, "animal", "group"]].drop_duplicates()
    if coupling.empty:
        return known[["animal", "group"]]
    own = coupling[coupling["pair"] != "diagonal"]
    wide = own.assign(name=own["limb"] + " after " + own["reference"]).pivot(
        index=who, columns="name", values="phase"
    )
    return known.merge(wide.reset_index(), on=who).drop(columns=who)
