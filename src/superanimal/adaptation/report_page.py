"""The report page of an adaptation: the decision, figures before and after, jitter over time, pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from markupsafe import Markup

from superanimal.adaptation.clip import sure_points
from superanimal.adaptation.run_folder import CLIP
from superanimal.evaluation.stability import jitter
from superanimal.reports.figures import ACCENT, LINE, SOFT, new_figure, style, svg
from superanimal.reports.numbers import number, signed
from superanimal.reports.page import Card, Page, gallery, table
from superanimal.video import open_video
from superanimal.video.close_up import CloseUp
from superanimal.video.drawing import PosePainter, data_uri

SHOWN = 3
"""Frames drawn before and after."""
_ROWS = (
    ("jitter_px", "jitter, px", 1.0),
    ("jitter", "jitter, % of the body size", 100.0),
    ("size_change", "change of the body size per frame, %", 100.0),
    ("dropped", "keypoints below confidence 0.4, per animal", 1.0),
    ("confidence", "mean confidence", 1.0),
    ("missing", "frames without an animal, %", 100.0),
)


def render(
    figures: Mapping[str, Any], before: Sequence[xr.Dataset], after: Sequence[xr.Dataset], video: Path
) -> str:
    """Return the page.

    Parameters
    ----------
    figures
        Content of ``adaptation.json``.
    before, after
        Poses of the held-out stretches.
    video
        The video of the first of them, for pictures.
    """
    methods, unsteady = figures["methods"], figures["unsteadiness"]
    first, last = methods["original"], methods["adapted"]
    jitter_before, shakes = number(100 * first["jitter"]), number(100 * last["jitter"])
    cards = [
        Card("Jitter", shakes, " % of the body", "", f"{jitter_before} % before"),
        Card("Dropped keypoints", number(last["dropped"]), "", "", f"{number(first['dropped'])} before"),
    ]
    change = unsteady["change"]
    if change["value"] is not None:
        span = f"{signed(100 * change['low'])} to {signed(100 * change['high'])} %"
        cards.append(Card("Unsteadiness over looks", signed(100 * change["value"]), " %", span))
    page = Page(
        f"{figures['base_model']} adapted to {', '.join(figures['videos'])}",
        figures["verdict"],
        cards,
        [f"{name}: {reason}" for name, reason in figures["failed"].items()],
    )
    rows = [
        [title, *(number(factor * _known(each[name])) for each in methods.values())]
        for name, title, factor in _ROWS
    ]
    page.add(
        "Held-out frames",
        table(["", *methods], rows),
        note="Frames that no model was trained on. A filter makes points steadier wherever they are; "
        "whether they are nearer to the animal only labels can tell.",
    )
    page.add(
        "Jitter over time", _curves(before, after), note="Mean change of the coordinates from frame to frame."
    )
    clip = Markup("<video src='{}' controls loop muted width='100%'></video>").format(CLIP)
    page.add("Before and after", gallery(_pictures(before, after, video)), clip)
    if len(figures["videos"]) > 1:
        rows = [
            [name, *(number(100 * each[when]["jitter"]) for when in ("before", "after")),
             *(number(each[when]["dropped"]) for when in ("before", "after"))]
            for name, each in figures["videos"].items()
        ]  # fmt: skip
        page.add("Each video", table(["", "jitter before, %", "after, %", "dropped before", "after"], rows))
    labels = figures["labels"]
    facts = [
        ["points moved, % of the animal", number(100 * _known(unsteady["moved"]))],
        ["frames trained on", str(labels["frames"])],
        ["keypoints masked", f"{100 * labels['masked']:.0f} %"],
        ["corrected frames", str(labels["corrected_frames"])],
        ["least confidence", number(labels["threshold"])],
        ["steps", str(figures["training"]["steps"])],
    ]
    page.add("Details", table(["", ""], facts, text=2, kind="facts"))
    return page.render()


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def _curves(before: Sequence[xr.Dataset], after: Sequence[xr.Dataset]) -> Markup:
    with style():
        figure = new_figure(9.2, 2.6)
        axes = figure.subplots()
        for stretches, color, title in ((before, SOFT, "before"), (after, ACCENT, "after")):
            for number_, poses in enumerate(stretches):
                moved = jitter(poses)
                known = np.isfinite(moved)
                count = known.sum(1)
                total = np.where(known, moved, 0.0).sum(1)
                shakes = np.where(count > 0, total / np.maximum(count, 1), np.nan)
                axes.plot(
                    poses["frame"].values, shakes, color=color, lw=1.2, label=title if not number_ else None
                )
        axes.set(xlabel="frame", ylabel="px", ylim=(0, None))
        axes.grid(color=LINE, lw=0.6)
        axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
        return svg(figure)


def _pictures(
    before: Sequence[xr.Dataset], after: Sequence[xr.Dataset], video: Path
) -> list[tuple[str, str, str]]:
    """Return the frames in which the models differ most: all before, below them all after."""
    old, new = before[0], after[0]
    with np.errstate(all="ignore"):
        apart = np.linalg.norm(old["position"].values - new["position"].values, axis=1)  # (T, K, N)
    each = np.where(np.isfinite(apart).any((1, 2)), np.nansum(apart, axis=(1, 2)), -1.0)
    rows = np.sort(np.argsort(-each)[:SHOWN])
    names, individuals = list(map(str, old["keypoint"].values)), list(map(str, old["individual"].values))
    pictures: dict[str, list[tuple[str, str, str]]] = {"before": [], "after": []}
    with open_video(video) as opened:
        for row in rows.tolist():
            frame = int(old["frame"].values[row])
            pixels = np.asarray(opened[frame])
            points = [sure_points(poses, row) for poses in (old, new)]
            view = CloseUp.of(np.stack(points), np.array(pixels.shape[1::-1]))
            for title, own in zip(pictures, points, strict=True):
                picture = view.picture(pixels)
                PosePainter(picture.shape[:2], names, individuals).draw(picture, view.place(own))
                pictures[title].append((data_uri(picture), title, f"frame {frame}"))
    return [*pictures["before"], *pictures["after"]]
