"""The report page of a fine-tuning: verdict, keypoints before and after, training curves."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from superanimal.reports.figures import ACCENT, INK, LINE, SOFT, new_figure, style, svg
from superanimal.reports.numbers import number
from superanimal.reports.page import Card, Page, bullets, table
from superanimal.training.finetuning.run_folder import ERROR

_CARDS = (
    ("mean_euclidean_px", "Mean distance", 1, " px"),
    ("AP", "Average precision", 100, " %"),
    ("missed_keypoints", "Missed keypoints", 100, " %"),
)


def render(report: Mapping[str, Any], curves: Path) -> str:
    """Return the page.

    Parameters
    ----------
    report
        Content of ``report.json``, see :func:`superanimal.training.finetuning.finetune.finetune`.
    curves
        ``curves.csv`` of the training.
    """
    data = report["data"]
    page = Page(
        f"{report['base_model']} fine-tuned on {data['name']}",
        f"{report['verdict']} {data['training_animals']} training animals, "
        f"{data['held_out_images']} held-out images.",
        [card for card in (_card(report, *each) for each in _CARDS) if card is not None],
        [*report["warnings"], *report["notes"]],
    )
    if "after" in report:
        rows = report["keypoints"]
        page.add("Errors by keypoint", _keypoint_plot(rows), _keypoint_table(rows), note=_KEYPOINTS)
    if forgotten := report.get("forgetting"):
        page.add("Keypoints without labels", _forgetting_table(forgotten), note=_FORGETTING)
    with curves.open(encoding="utf-8", newline="") as file:
        steps = list(csv.DictReader(file))
    if len(steps) > 1:
        page.add("Training curves", _curve_plot(steps))
    page.add("Details", table(["", ""], _facts(report), text=2, kind="facts"))
    return page.render()


def _card(report: Mapping[str, Any], name: str, title: str, factor: float, unit: str) -> Card | None:
    after = report.get("after", {}).get(name)
    if after is None:
        return None
    before = report.get("before", {}).get(name)
    note = "" if before is None else f"{number(factor * before)}{unit} before"
    change = report.get("change_px") if name == "mean_euclidean_px" else None
    span = ""
    if change is not None and None not in (change["low"], change["high"]):
        span = f"change {number(change['low'])} to {number(change['high'])} px"
    return Card(title, number(factor * after), unit, span, note)


def _keypoint_table(rows: Sequence[Mapping[str, Any]]) -> Markup:
    cells = [
        [
            row["keypoint"],
            str(row["labelled"]),
            number(_known(row["before_px"])),
            number(_known(row["after_px"])),
        ]
        for row in rows
    ]
    return table(["", "labelled", "before, px", "after, px"], cells)


def _keypoint_plot(rows: Sequence[Mapping[str, Any]]) -> Markup:
    with style():
        figure = new_figure(9.2, 0.9 + 0.235 * len(rows))
        axes = figure.subplots()
        for y, row in enumerate(rows):
            before, after = _known(row["before_px"]), _known(row["after_px"])
            axes.plot([before, after], [y, y], color=LINE, lw=2, zorder=1)
            axes.plot(before, y, "o", mfc="none", mec=SOFT, ms=6, zorder=2)
            axes.plot(after, y, "o", color=ACCENT, ms=6, zorder=3)
        axes.set_yticks(range(len(rows)), [row["keypoint"] for row in rows], color=INK)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=LINE, lw=0.6)
        axes.set(xlim=(0, None), ylim=(len(rows) - 0.4, -0.6))
        axes.set_xlabel("mean distance to the held-out labels, px   (ring: before, dot: after)")
        return svg(figure)


def _curve_plot(steps: Sequence[Mapping[str, str]]) -> Markup:
    names = [
        (name, title)
        for name, title in (("loss", "Training loss"), (ERROR, "Held-out error, px"))
        if any(row.get(name) for row in steps)
    ]
    with style():
        figure = new_figure(9.2, 2.6)
        for axes, (name, title) in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            known = [(float(row["step"]), float(row[name])) for row in steps if row.get(name)]
            axes.plot(*zip(*known, strict=True), color=ACCENT, lw=1.6)
            axes.set_title(title)
            axes.set(xlabel="step", ylim=(0, None))
            axes.grid(color=LINE, lw=0.6)
        return svg(figure)


def _forgetting_table(found: Mapping[str, Any]) -> Markup:
    rows = [
        ["keypoints below the confidence limit, per animal, before", number(_known(found["dropped_before"]))],
        ["the same after", number(_known(found["dropped_after"]))],
        ["confident before, not after, %", number(100 * _known(found["lost"]))],
        ["moved where both are confident, median, px", number(_known(found["moved_px"]))],
    ]
    return table(["", ""], rows)


def _facts(report: Mapping[str, Any]) -> list[list[Any]]:
    training = report["training"]
    pairs = [f"{own} = {master}" for own, master in report["table"].items()]
    return [
        ["method", f"{report['method']}: {report['consequence']}"],
        ["training", f"{training['steps']} steps; {training['ended']}"],
        ["keypoint mapping", bullets(pairs)],
        ["new keypoints", ", ".join(report["new_keypoints"]) or "none"],
    ]


def _known(value: float | None) -> float:
    return math.nan if value is None else float(value)


_KEYPOINTS = (
    "Both models were evaluated on the same crops of the same held-out images, which neither was trained on."
)
_FORGETTING = "Predictions of keypoints without labels. These figures are not accuracies."
