"""The figures of a gait analysis: footfalls, duty factor against phase, joint angles, groups."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from superanimal.bootstrap import Interval
from superanimal.gait.hildebrand import draw_regions, own_side
from superanimal.gait.stances import stances_of
from superanimal.groups import by_animal
from superanimal.reports.figures import ACCENT, BAND, INK, LINE, SOFT, band, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from superanimal.gait.result import GaitResult

NAMES = {
    "duration_s": "Stride, s", "stance_s": "Stance, s", "swing_s": "Swing, s", "duty_factor": "Duty factor",
    "frequency_hz": "Frequency, Hz", "length_px": "Stride length, px",
    "length_body": "Stride length, body lengths", "length_m": "Stride length, m", "speed": "Speed, px/s",
    "speed_body_s": "Speed, body lengths/s", "speed_m_s": "Speed, m/s",
    "speed_variation": "Variation of speed",
    **{f"{name}_{unit}": f"{said}, {'body lengths' if unit == 'body' else unit}"
       for name, said in (("swing_height", "Swing height"), ("step_length", "Step length"),
                          ("step_width", "Step width"))
       for unit in ("px", "body", "m")},
}  # fmt: skip
"""What a measure is called."""
LENGTHS, SPEEDS = ("length_m", "length_body", "length_px"), ("speed_m_s", "speed_body_s", "speed")


def draw_footfalls(result: GaitResult, individual: str, file: str | None = None) -> Figure:
    """Return the footfall diagram of an animal (of a file): bars while a limb stands.

    Pale bars begin strides that were refused; nothing is known where it is hatched.
    """
    tables = {}
    for name in ("events", "strides", "refused"):
        table = getattr(result, name)
        own = table["individual"] == individual
        if file is not None:
            own &= table["file"] == file
        tables[name] = table[own]
    events, gaps = tables["events"], tables["refused"]
    end = float(max([0.0, *events["time_s"], *gaps["end_s"]]))
    stances = stances_of(replace(result, **tables), end)
    limbs = list(dict.fromkeys([*stances["limb"], *gaps["limb"]]))
    with style():
        figure = new_figure(8, 0.7 + 0.35 * max(len(limbs), 1))
        axes = figure.subplots()
        for _, each in gaps.iterrows():
            left, width = each["start_s"], each["end_s"] - each["start_s"]
            axes.barh(
                limbs.index(each["limb"]),
                width,
                left=left,
                height=0.6,
                fc="none",
                ec=LINE,
                hatch="////",
                lw=0,
            )
        for _, each in stances.iterrows():
            left, width = each["start_s"], each["end_s"] - each["start_s"]
            color = BAND if each["refused"] else ACCENT
            axes.barh(limbs.index(each["limb"]), width, left=left, height=0.6, color=color)
        axes.set_yticks(range(len(limbs)), [name.replace("_", " ") for name in limbs])
        axes.invert_yaxis()
        axes.set_xlim(0, end or 1)
        axes.set_xlabel("Time, s")
    return figure


def draw_hildebrand(result: GaitResult) -> Figure:
    """Return duty factor against the phase of the fore limb, a point for each kept stride of a hind limb."""
    both = own_side(result)
    with style():
        figure = new_figure(5, 3.6)
        axes = figure.subplots()
        draw_regions(axes, INK, SOFT, LINE)
        axes.plot(both["phase"], both["duty_factor"], "o", ms=4, color=ACCENT, mec=INK, mew=0.3)
    return figure


def draw_angles(cycles: pd.DataFrame) -> Figure:
    """Return the angle at each joint of an animal over the stride, mean and standard deviation."""
    drawn = list(cycles.groupby("joint", sort=False))
    columns = min(len(drawn), 4)
    lines = -(-len(drawn) // columns)
    with style():
        figure = new_figure(2.1 * columns + 0.4, 1.9 * lines + 0.3)
        every = figure.subplots(lines, columns, squeeze=False, sharex=True)
        for axes in every.flat[len(drawn) :]:
            axes.set_visible(False)
        for axes, (joint, own) in zip(every.flat, drawn, strict=False):
            mean, spread = own["mean_deg"].to_numpy(), own["sd_deg"].to_numpy()
            band(axes, own["percent"].to_numpy(), Interval(mean, mean - spread, mean + spread))
            axes.set_title(str(joint).replace("_", " "), fontsize=9)
        figure.supxlabel("Stride, %", fontsize=9.5)
        figure.supylabel("Angle, degrees", fontsize=9.5)
    return figure


def draw_groups(result: GaitResult) -> Figure:
    """Return stride, duty factor, length and speed by group: a dot for each animal, a line at their mean."""
    strides = by_animal(result.strides)
    kept = strides[strides["refused"] == ""]
    best = [next(m for m in each if kept[m].notna().any()) for each in (LENGTHS, SPEEDS)]
    groups = sorted(kept["group"].unique())
    with style():
        figure = new_figure(8, 2.4)
        for axes, measure in zip(figure.subplots(1, 4), ["duration_s", "duty_factor", *best], strict=True):
            for x, group in enumerate(groups):
                values = kept[kept["group"] == group].groupby("animal")
                means = values[measure].mean().dropna().to_numpy()
                spread = np.linspace(-0.15, 0.15, len(means)) if len(means) > 1 else np.zeros(len(means))
                axes.plot(x + spread, means, "o", ms=4, color=ACCENT, mec=INK, mew=0.3)
                if len(means):
                    axes.plot([x - 0.28, x + 0.28], [means.mean()] * 2, color=INK, lw=1.4)
            axes.set_xticks(range(len(groups)), [str(group) for group in groups])
            axes.set_xlim(-0.6, len(groups) - 0.4)
            axes.set_title(NAMES[measure].replace(", ", ",\n"), fontsize=9)
    return figure
