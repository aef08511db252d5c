"""The result of a gait analysis: tables, and saving them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from superanimal.gait.found import Found
from superanimal.poses import make_provenance
from superanimal.reports.files import write_tables

TABLES = ("events", "strides", "phases", "summary", "refused")
FURTHER = ("coupling", "cycles", "joints", "symmetry", "vertical", "comparison")


@dataclass
class GaitResult:
    """Tables for one or several files; times in seconds from frame 0, lengths in pixels.

    Attributes
    ----------
    events
        ``individual, limb, event`` (contact or lift), ``time_s, frame, confidence, deviation_s``.
    strides
        ``individual, limb, start_s`` (contact), ``lift_s, end_s`` (next contact), ``duration_s, stance_s,
        swing_s, duty_factor, frequency_hz, length_px, length_body`` (body lengths), ``length_m`` (NaN without
        a scale), ``speed`` (px/s), ``speed_body_s, speed_m_s, speed_variation, swing_height_px,
        step_length_px, step_width_px`` (these three with ``_body`` and ``_m`` too), ``slip, closure,
        confidence, gait, refused`` (empty when kept, else the reason).
    phases
        ``individual, reference, limb, start_s, phase``: fraction of the reference limb's stride at which the
        other limb lands, for kept strides only.
    summary
        One row for each limb: counts, medians and variation of its kept strides, gait, ground.
    refused
        ``individual, limb, start_s, end_s, reason``: intervals without events.
    notes
        What limits the result, in sentences.
    coupling
        Pairs of limbs, see :func:`superanimal.gait.coupling.coupling_table`.
    cycles, joints
        Joint angles over the stride, see :func:`superanimal.gait.joints.joint_tables`.
    symmetry
        Left against right, see :func:`superanimal.gait.symmetry.symmetry_table`.
    vertical
        Vertical asymmetry of head, withers, pelvis, see :func:`superanimal.gait.vertical.vertical_table`.
    found
        What the tables were made of, for :func:`superanimal.gait.exclude`; None for several files.
    comparison
        Groups against each other, see :func:`superanimal.groups.compare_groups`; empty without groups.
    """

    events: pd.DataFrame
    strides: pd.DataFrame
    phases: pd.DataFrame
    summary: pd.DataFrame
    refused: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    cycles: pd.DataFrame = field(default_factory=pd.DataFrame)
    joints: pd.DataFrame = field(default_factory=pd.DataFrame)
    symmetry: pd.DataFrame = field(default_factory=pd.DataFrame)
    vertical: pd.DataFrame = field(default_factory=pd.DataFrame)
    coupling: pd.DataFrame = field(default_factory=pd.DataFrame)
    comparison: pd.DataFrame = field(default_factory=pd.DataFrame)
    found: Found | None = field(default=None, repr=False)

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write ``events.csv, strides.csv, phases.csv, summary.csv, refused.csv``; return their paths.

        Further tables (:data:`FURTHER`) where they have rows, and ``provenance.json``.

        Raises
        ------
        StorageError
            When the folder cannot be written.
        """
        names = (*TABLES, *(name for name in FURTHER if len(getattr(self, name))))
        record = make_provenance("gait", **self.facts)
        return write_tables(Path(folder), {name: getattr(self, name) for name in names}, record)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write one HTML page with the tables and figures; return its path."""
        from superanimal.gait.report import write_report

        return write_report(self, Path(path))
