"""Figures of what animals did, in the style of all reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from superanimal.behavior.measures.path import BodyPath
from superanimal.behavior.measures.regions import Regions
from superanimal.reports.figures import ACCENT, BAND, INK, LINE, SOFT, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEAT_BINS = 40
"""Cells of a position heatmap along its longer side."""


def ethogram(bouts: pd.DataFrame, labels: Sequence[str], duration_s: float) -> Figure:
    """Draw a lane for each label, a bar for each bout, of one animal."""
    figure = new_figure(8, 0.7 + 0.28 * max(len(labels), 1))
    axes = figure.subplots()
    for k, label in enumerate(labels):
        own = bouts[bouts["label"] == label]
        bars = [
            (start, max(end - start, duration_s / 1500)) for start, end in own[["start_s", "end_s"]].values
        ]
        axes.broken_barh(bars, (k - 0.38, 0.76), color=ACCENT, lw=0)
    axes.set_yticks(range(len(labels)), [label.replace("_", " ") for label in labels])
    axes.set(xlim=(0, duration_s), ylim=(len(labels) - 0.5, -0.5))
    axes.set_xlabel("Time, s")
    axes.tick_params(axis="y", length=0)
    return figure


def budget(table: pd.DataFrame, by: str = "individual") -> Figure:
    """Draw the share of time of each label: the mean over rows of ``by`` and a point for each of them."""
    labels = list(dict.fromkeys(table["label"]))
    figure = new_figure(5.5, 0.7 + 0.32 * max(len(labels), 1))
    axes = figure.subplots()
    for k, label in enumerate(labels):
        shares = 100 * table.loc[table["label"] == label, "share"].to_numpy(float)
        axes.barh(k, shares.mean(), height=0.6, color=BAND)
        axes.plot(shares, np.full(len(shares), k), "o", ms=3.5, color=ACCENT, mec=INK, mew=0.3)
    axes.set_yticks(range(len(labels)), [label.replace("_", " ") for label in labels])
    axes.invert_yaxis()
    axes.set_xlabel("Share of the recording, %")
    axes.tick_params(axis="y", length=0)
    return figure


def transition_graph(table: pd.DataFrame, least: float = 0.05) -> Figure:
    """Draw labels on a circle and an arrow for each transition, as thick as it is probable."""
    total = table.groupby(["before", "after"], as_index=False)["count"].sum()
    often = total.groupby("before")["count"].sum()
    names = sorted({*total["before"], *total["after"]})
    figure = new_figure(5, 5)
    axes = figure.subplots()
    angle = np.linspace(0.5 * np.pi, 2.5 * np.pi, len(names), endpoint=False)
    place = {name: (float(np.cos(a)), float(np.sin(a))) for name, a in zip(names, angle, strict=True)}
    for before, after, count in total[["before", "after", "count"]].to_numpy().tolist():
        share = count / often[before]
        if before != after and share >= least:
            axes.annotate(
                "",
                place[after],
                place[before],
                arrowprops={
                    "arrowstyle": "-|>", "lw": 0.5 + 5 * share, "color": ACCENT, "alpha": 0.25 + 0.7 * share,
                    "shrinkA": 14, "shrinkB": 14, "connectionstyle": "arc3,rad=0.18", "mutation_scale": 9,
                },
            )  # fmt: skip
    for name, (x, y) in place.items():
        size = 90 + 500 * float(often.get(name, 0)) / float(often.max())
        axes.scatter(x, y, s=size, color=BAND, edgecolor=SOFT, lw=0.8, zorder=3)
        side = "center" if abs(x) < 0.3 else "left" if x > 0 else "right"  # outwards, clear of the node
        axes.text(1.16 * x, 1.2 * y, name.replace("_", " "), ha=side, va="center", color=INK)
    axes.set(xlim=(-1.7, 1.7), ylim=(-1.4, 1.4), aspect="equal")
    axes.axis("off")
    return figure


def bins(table: pd.DataFrame, labels: Sequence[str]) -> Figure:
    """Draw the share of time of each label over the recording, mean over animals."""
    columns = min(len(labels), 3)
    lines = -(-len(labels) // columns)
    figure = new_figure(2.7 * columns + 0.3, 1.6 * lines + 0.3)
    every = figure.subplots(lines, columns, squeeze=False, sharex=True)
    for axes in every.flat[len(labels) :]:
        axes.set_visible(False)
    for axes, label in zip(every.flat, labels, strict=False):
        own = table[table["label"] == label].groupby("start_s")[["end_s", "share"]].mean()
        edges = np.append(own.index, own["end_s"].iloc[-1]) / 60
        axes.stairs(100 * own["share"].to_numpy(), edges, baseline=None, color=ACCENT, lw=1.5)
        axes.set_title(label.replace("_", " "), fontsize=9)
        axes.set_ylim(bottom=0)
        axes.grid(color=LINE, lw=0.6)
    figure.supxlabel("Time, min", fontsize=9.5)
    figure.supylabel("Share, %", fontsize=9.5)
    return figure


def heatmap(path: BodyPath, regions: Regions | None = None) -> Figure:
    """Draw where one animal was, seconds in each cell on a logarithmic scale, with regions."""
    from matplotlib.colors import LinearSegmentedColormap, LogNorm
    from matplotlib.ticker import FuncFormatter

    places, shown = path.position[path.seen][:, :2], path.shown[path.seen]
    low, high = places.min(axis=0), places.max(axis=0)
    outlines = (
        [*regions.polygons.values(), *([regions.arena] if regions.arena is not None else [])]
        if regions
        else []
    )
    for corners in outlines:
        low, high = np.minimum(low, corners.min(axis=0)), np.maximum(high, corners.max(axis=0))
    extent = np.maximum(high - low, 1e-6)
    cells = np.maximum(1, np.round(HEAT_BINS * extent / extent.max())).astype(int)
    spans = [[low[0], low[0] + extent[0]], [low[1], low[1] + extent[1]]]
    seconds, x, y = np.histogram2d(places[:, 0], places[:, 1], cells.tolist(), spans, weights=shown)
    figure = new_figure(4.2, 0.6 + 3.4 * min(1.6, float(extent[1] / extent[0])))
    axes = figure.subplots()
    colors = LinearSegmentedColormap.from_list("accent", ["#e9f1fb", ACCENT, "#062a5a"])
    mesh = axes.pcolormesh(
        x, y, np.ma.masked_equal(seconds.T, 0), cmap=colors, rasterized=True,
        norm=LogNorm(max(seconds[seconds > 0].min(), 1e-3), max(seconds.max(), 2e-3)),
    )  # fmt: skip
    for corners in outlines:
        axes.plot(*np.vstack([corners, corners[:1]]).T, color=SOFT, lw=1)
    axes.set(aspect="equal")
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.set_yticks([])
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    figure.colorbar(mesh, ax=axes, shrink=0.8, format=plain).set_label("Seconds")
    return figure
