"""The figures of a matching: match frequency, and differences between definitions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from superanimal.keypoints.matching.result import Matching, Pair
from superanimal.poses import KeypointSpace
from superanimal.reports.figures import ACCENT, BAND, INK, LINE, SOFT, new_figure, save_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELL = 0.27
"""Size of a matrix cell in inches."""
WRITTEN = 0.05
"""Smaller fractions are not written in their cell."""


def plot_frequency(matching: Matching, path: str | os.PathLike[str]) -> Path:
    """Draw the match-frequency matrix to an image file.

    One row per user keypoint, one column per model keypoint, sorted so that pairs are on the diagonal. Pairs
    are outlined, with dashes if the name decided; keypoints without a counterpart are grey.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    rows, columns = _diagonal(matching)
    share = matching.frequency[np.ix_(rows, columns)]
    row_of = {matching.user_keypoints[u]: i for i, u in enumerate(rows)}
    column_of = {matching.model_keypoints[k]: j for j, k in enumerate(columns)}
    with style():
        figure = new_figure(2.2 + CELL * len(columns), 2.0 + CELL * len(rows))
        axes = figure.subplots()
        blues = LinearSegmentedColormap.from_list("share", ["white", "#c8dcf4", ACCENT])
        axes.imshow(share, cmap=blues, vmin=0, vmax=1)
        for i, j in zip(*np.nonzero(share >= WRITTEN), strict=True):
            ink = "white" if share[i, j] > 0.6 else INK
            axes.text(j, i, f"{100 * share[i, j]:.0f}", ha="center", va="center", color=ink, fontsize=6.5)
        for pair in matching.pairs:
            corner = column_of[pair.model] - 0.5, row_of[pair.user] - 0.5
            dashes = (0, (2, 1.2)) if pair.by_name else "-"
            axes.add_patch(Rectangle(corner, 1, 1, fill=False, ec=INK, lw=1.3, ls=dashes, clip_on=False))
        axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
        axes.set_xticks(range(len(columns)), [matching.model_keypoints[k] for k in columns])
        axes.set_yticks(range(len(rows)), [matching.user_keypoints[u] for u in rows])
        for label in axes.get_xticklabels():
            label.set(rotation=60, ha="left", rotation_mode="anchor")
            label.set(fontsize=8, color=SOFT if label.get_text() in matching.unmatched_model else INK)
        for label in axes.get_yticklabels():
            label.set(fontsize=8, color=SOFT if label.get_text() in matching.unmatched_user else INK)
        axes.tick_params(which="minor", length=0)
        axes.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
        axes.grid(which="minor", color=LINE, lw=0.5)
        axes.spines[:].set_visible(False)
        note = f"% of {matching.facts['images']} images in which two points were matched. Outlined: the table"
        note += ", dashed where names decided" if any(pair.by_name for pair in matching.pairs) else ""
        axes.set_title("Keypoints of the labels (rows) and of the model (columns)")
        axes.set_xlabel(note, color=SOFT, fontsize=8.5, loc="left", labelpad=8)
        return save_figure(figure, path)


def plot_bias(matching: Matching, path: str | os.PathLike[str], space: KeypointSpace | None = None) -> Path:
    """Draw the differences between user and model definitions, in the animal's own frame, to an image file.

    Top: the typical pose with an arrow from the model's to the user's point, to scale. Bottom: the forward
    and left components with their intervals. Blue: the interval excludes 0 in one direction.
    """
    pairs = [pair for pair in matching.pairs if pair.offset is not None and np.isfinite(pair.offset).all()]
    with style():
        figure = new_figure(9.2, 4.4 + 0.2 * len(pairs))
        grid = figure.add_gridspec(2, 1, height_ratios=(3.4, 0.8 + 0.2 * len(pairs)))
        above, below = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
        _draw_animal(above.subplots(), matching, pairs, space)
        title = "From the model's point (ring) to the user's (arrow head), in the animal's own frame"
        above.suptitle(title, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
        panels = below.subplots(1, 2, sharey=True, sharex=True)
        across = "up" if matching.shape and matching.shape.mirrored else "to the animal's left"
        for axis, (axes, title) in enumerate(zip(panels, ("forward", across), strict=True)):
            _draw_parts(axes, pairs, axis)
            axes.set_xlabel(f"{title}, % of body length")
        panels[0].set_yticks(range(len(pairs)), [_title(pair) for pair in pairs], color=INK)
        panels[0].set_ylim(len(pairs) - 0.4, -0.6)
        return save_figure(figure, path)


def _draw_animal(axes: Axes, matching: Matching, pairs: Sequence[Pair], space: KeypointSpace | None) -> None:
    """Draw the typical pose, skeleton in grey, and the arrows."""
    assert matching.shape is not None
    typical = dict(zip(matching.shape.keypoints, 100 * matching.shape.points, strict=True))
    for a, b in space.edges if space else ():
        if a in typical and b in typical:
            ends = np.stack([typical[a], typical[b]])
            axes.plot(ends[:, 0], ends[:, 1], color=LINE, lw=1.6, zorder=1)
    points = np.array(list(typical.values()))
    axes.plot(points[:, 0], points[:, 1], "o", color=LINE, ms=3.5, zorder=2)
    for pair in pairs:
        start, end = typical[pair.model], typical[pair.model] + 100 * np.asarray(pair.offset)
        color = ACCENT if _real(pair) else SOFT
        axes.plot(*start, "o", mfc="white", mec=color, ms=4.5, zorder=3)
        axes.annotate(
            "",
            end,
            start,
            arrowprops={"arrowstyle": "-|>", "color": color, "lw": 1.4, "shrinkA": 0, "shrinkB": 0,
                        "mutation_scale": 5.5},
            zorder=4,
        )  # fmt: skip
    axes.set_aspect("equal")
    axes.set(xlabel=f"% of body length, {matching.facts['axis']}", yticks=[])
    axes.spines["left"].set_visible(False)


def _draw_parts(axes: Axes, pairs: Sequence[Pair], axis: int) -> None:
    """Draw one component of every offset with its interval."""
    axes.axvline(0, color=SOFT, lw=0.8)
    for y, pair in enumerate(pairs):
        if pair.interval is not None:
            low, high = 100 * pair.interval[:, axis]
            axes.plot([low, high], [y, y], color=BAND if _real(pair) else LINE, lw=5, solid_capstyle="round")
        value = 100 * np.asarray(pair.offset)[axis]
        axes.plot(value, y, "o", color=ACCENT if _real(pair) else SOFT, ms=4.5)
    axes.grid(axis="x", color=LINE, lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _real(pair: Pair) -> bool:
    """Whether the interval of an offset excludes 0 in one direction."""
    return pair.interval is not None and bool((np.prod(np.sign(pair.interval), axis=0) > 0).any())


def _title(pair: Pair) -> str:
    return pair.user if pair.user == pair.model else f"{pair.user} ({pair.model})"


def _diagonal(matching: Matching) -> tuple[list[int], list[int]]:
    """Return row and column orders that place the pairs on the diagonal, in the model's keypoint order."""
    pairs = sorted(matching.pairs, key=lambda pair: matching.model_keypoints.index(pair.model))
    rows = [matching.user_keypoints.index(pair.user) for pair in pairs]
    columns = [matching.model_keypoints.index(pair.model) for pair in pairs]
    rows += [u for u in range(len(matching.user_keypoints)) if u not in rows]
    columns += [k for k in range(len(matching.model_keypoints)) if k not in columns]
    return rows, columns
