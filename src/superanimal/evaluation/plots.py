"""The figures of the evaluation report, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from superanimal.bootstrap import Interval
from superanimal.evaluation.coco import THRESHOLDS
from superanimal.evaluation.errors import PCK_LIMITS
from superanimal.evaluation.reliability import TOLERANCE
from superanimal.reports.figures import ACCENT, BAND, INK, LINE, SOFT, band, new_figure, style, svg

if TYPE_CHECKING:
    from superanimal.evaluation.evaluation import Evaluation

FEW = 10
"""Bins of the reliability diagram with fewer keypoints are not meaningful."""


def pck_curve(result: Evaluation) -> Markup:
    """Return the fraction of keypoints within a distance, and AP over the OKS threshold, side by side."""
    with style():
        figure = new_figure(9.2, 3.1)
        left, right = figure.subplots(1, 2)
        band(left, PCK_LIMITS * 100, result.curves["PCK"], 100)
        left.set(xlim=(0, 50), ylim=(0, 100), xlabel="distance to the label, % of animal length")
        left.set_title("Keypoints within a distance, %")
        limit = 10
        share = float(np.interp(limit, PCK_LIMITS * 100, result.curves["PCK"].value)) * 100
        left.plot([limit, limit, 0], [0, share, share], color=SOFT, lw=0.8, ls=(0, (3, 3)))
        left.annotate(f"{share:.1f} %", (limit, share), (7, -12), textcoords="offset points", color=INK)
        band(right, THRESHOLDS, result.curves["AP"], 100, marker="o")
        right.set(xlim=(0.48, 0.97), ylim=(0, 102), xlabel="OKS threshold (strict to the right)")
        right.set_title("Average precision, %")
        return svg(figure)


def keypoint_plot(result: Evaluation, colors: dict[str, str]) -> Markup:
    """Return the distribution of errors per keypoint: line 25-75 %, dot median, tick 95 %."""
    rows = sorted(result.keypoints, key=lambda row: _last(row["p50_animal"]))
    with style():
        figure = new_figure(9.2, 0.9 + 0.235 * len(rows))
        axes = figure.subplots()
        for y, row in enumerate(rows):
            low, middle, high, far = (100 * row[f"p{p}_animal"] for p in (25, 50, 75, 95))
            axes.plot([middle, far], [y, y], color=LINE, lw=1.2, zorder=1)
            axes.plot([low, high], [y, y], color=BAND, lw=6, solid_capstyle="round", zorder=2)
            axes.plot(far, y, marker="|", color=SOFT, ms=8, mew=1.4, zorder=2)
            axes.plot(
                middle, y, "o", color=colors.get(row["keypoint"], ACCENT), mec=INK, mew=0.6, ms=5.5, zorder=3
            )
        axes.set_yticks(range(len(rows)), [row["keypoint"] for row in rows], color=INK)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=LINE, lw=0.6)
        axes.set(xlim=(0, None), ylim=(len(rows) - 0.4, -0.6))
        axes.set_xlabel(
            "distance to the label, % of animal length   (dot: median, bar: middle half, tick: 95 % below)"
        )
        return svg(figure)


def reliability_diagram(result: Evaluation) -> Markup:
    """Return the fraction of correct keypoints over confidence, with the number of keypoints in each bin."""
    share, stated, count = (result.curves[name] for name in ("share_right", "mean_confidence", "count"))
    bins = len(count.value)
    centres = (np.arange(bins) + 0.5) / bins
    with style():
        figure = new_figure(4.6, 3.9)
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        axes.plot([0, 1], [0, 100], color=SOFT, lw=0.9, ls=(0, (3, 3)))
        axes.text(
            0.27,
            24,
            "says what it knows",
            rotation=np.degrees(np.arctan2(100, 1)),  # along the dashed line
            transform_rotates_text=True,
            rotation_mode="anchor",
            ha="center",
            va="top",
            color=SOFT,
            fontsize=8.5,
        )
        known = np.isfinite(share.value)
        low, high = (np.where(np.isfinite(limit), limit, share.value) for limit in (share.low, share.high))
        axes.vlines(stated.value[known], 100 * low[known], 100 * high[known], color=BAND, lw=4)
        axes.plot(stated.value[known], 100 * share.value[known], color=ACCENT, lw=1.4)
        for some, fill in ((known & (count.value >= FEW), ACCENT), (known & (count.value < FEW), "white")):
            axes.plot(stated.value[some], 100 * share.value[some], "o", color=ACCENT, mfc=fill, ms=5)
        axes.set(xlim=(0, 1), ylim=(0, 102))
        axes.set_title(f"Keypoints within {100 * TOLERANCE:g} % of animal length, %")
        below.bar(centres, count.value, width=0.92 / bins, color=LINE)
        below.set(xlabel="confidence", ylim=(0, None), yticks=[])
        below.spines["left"].set_visible(False)
        below.annotate(
            f"{int(count.value.sum()):,} keypoints",
            (0, 1.05),
            xycoords="axes fraction",
            color=SOFT,
            fontsize=8.5,
        )
        return svg(figure)


def group_plot(groups: dict[str, dict[str, Interval]]) -> Markup:
    """Return the mean error of each group with its interval, largest first; at most thirty groups."""
    order = sorted(groups, key=lambda name: -_last(float(groups[name]["mean_euclidean_px"].value)))[:30]
    with style():
        figure = new_figure(9.2, 0.9 + 0.235 * len(order))
        axes = figure.subplots()
        for y, name in enumerate(order):
            error = groups[name]["mean_euclidean_px"]
            axes.plot([error.low, error.high], [y, y], color=BAND, lw=6, solid_capstyle="round")
            axes.plot(error.value, y, "o", color=ACCENT, mec=INK, mew=0.6, ms=5.5)
        axes.set_yticks(range(len(order)), order, color=INK)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=LINE, lw=0.6)
        axes.set(xlim=(0, None), ylim=(len(order) - 0.4, -0.6), xlabel="mean distance to the label, px")
        return svg(figure)


def stability_plot(series: dict[str, np.ndarray], keypoints: int) -> Markup:
    """Return jitter, body size and dropped keypoints over the frames of a video."""
    rows: Sequence[tuple[str, str]] = (
        ("jitter_px", "Jitter, px per frame"),
        ("body_size_px", "Body size (root of hull area), px"),
        ("dropped", f"Dropped keypoints of {keypoints}"),
    )
    with style():
        figure = new_figure(9.2, 4.4)
        for axes, (name, title) in zip(figure.subplots(3, 1, sharex=True), rows, strict=True):
            axes.plot(series["frame"], series[name], color=ACCENT, lw=0.9)
            axes.set_title(title, pad=4)
            axes.margins(x=0)
            axes.set_ylim(0, None)
            axes.locator_params(axis="y", nbins=4)
        axes.set_xlabel("frame")
        return svg(figure)


def _last(value: float) -> float:
    """Sort key that places NaN last."""
    return value if np.isfinite(value) else -np.inf
