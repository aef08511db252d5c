"""The report on a classifier: one HTML page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from superanimal.reports.figures import ACCENT, BAND, INK, new_figure, style, svg
from superanimal.reports.files import write_text
from superanimal.reports.numbers import number
from superanimal.reports.page import Card, Cell, Page, beside, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from superanimal.behavior.classifiers.model import BehaviorModel

SHOWN = 15
"""Kinds of features, and single features, on the page, at most."""
_SCORES = "F1 over all frames, each recording (or other group) scored by a classifier that had not seen it."
_IMPORTANCE = (
    "Macro F1 of single frames that is lost when the values of a feature, with all its windows, are shuffled "
    "between frames of recordings that were left out. Features that say the same stand in for each other, so "
    "that a single one may seem to matter little; kinds of features tell more."
)
_CURVE = (
    "Macro F1 of single frames of recordings that were left out, and its standard deviation over them. "
    "While it rises at its end, more labelled recordings would help."
)


def write_model_page(
    model: BehaviorModel,
    path: str | os.PathLike[str],
    importance: pd.DataFrame | None = None,
    learning_curve: pd.DataFrame | None = None,
) -> Path:
    """Write the page; return its path.

    Parameters
    ----------
    importance
        From :func:`superanimal.behavior.importance`.
    learning_curve
        From :func:`superanimal.behavior.learning_curve`.
    """
    scores, groups = model.scores, model.by_group
    page = Page("Classifier of behaviour", model.settings.estimator, warnings=list(model.notes))
    page.cards += [
        Card("Macro F1", number(model.macro_f1), note="recordings left out"),
        Card("Classes", str(len(scores))),
        Card("Recordings", str(len(model.recordings))),
        Card("Features", str(len(model.features))),
    ]
    page.add(
        "Scores",
        table(
            ["Class", "Recordings or groups", "Frames learnt from", "F1"],
            [
                [row["label"], str(int(row["groups"])), str(row["frames"]), _shaded(row["f1"])]
                for _, row in scores.iterrows()
            ],
        ),
        table(
            ["Left out", "Macro F1"],
            [[row["group"], _shaded(row["macro_f1"])] for _, row in groups.iterrows()],
        ),
        note=_SCORES,
    )
    with style():
        if importance is not None:
            page.add("Importance of features", *_importance(importance), note=_IMPORTANCE)
        if learning_curve is not None:
            page.add(
                "Learning curve",
                beside(_curve_table(learning_curve), svg(_curve(learning_curve))),
                note=_CURVE,
            )
    return write_text(Path(path), page.render())


def _shaded(value: float) -> Cell:
    return Cell(number(value), shade=max(0.0, min(1.0, value)) if value == value else None)


def _importance(importance: pd.DataFrame) -> list[str]:
    single = importance["feature"] != ""
    kinds = importance[~single].head(SHOWN)
    rows = [
        [row["feature"], row["kind"], str(row["columns"]), number(row["loss"]), number(row["sd"])]
        for _, row in importance[single].head(SHOWN).iterrows()
    ]
    return [svg(_bars(kinds)), table(["Feature", "Kind", "Columns", "Loss of F1", "sd"], rows, text=2)]


def _bars(kinds: pd.DataFrame) -> Figure:
    figure = new_figure(6, 0.7 + 0.26 * len(kinds))
    axes = figure.subplots()
    axes.barh(range(len(kinds)), kinds["loss"], xerr=kinds["sd"], height=0.6, color=BAND,
              error_kw={"lw": 0.8, "ecolor": INK})  # fmt: skip
    axes.set_yticks(range(len(kinds)), list(kinds["kind"]))
    axes.invert_yaxis()
    axes.set_xlabel("Loss of macro F1 without this kind")
    axes.tick_params(axis="y", length=0)
    return figure


def _curve(curve: pd.DataFrame) -> Figure:
    figure = new_figure(4.5, 3)
    axes = figure.subplots()
    axes.errorbar(curve["minutes"], curve["macro_f1"], yerr=curve["sd"], color=ACCENT, marker="o", ms=4,
                  lw=1.5, elinewidth=0.8, ecolor=INK)  # fmt: skip
    axes.set_xlabel("Labelled minutes learnt from")
    axes.set_ylabel("Macro F1")
    axes.set_ylim(0, 1)
    axes.set_xlim(left=0)
    return figure


def _curve_table(curve: pd.DataFrame) -> str:
    classes = list(curve.columns[4:])
    return table(
        ["Recordings", "Minutes", "Macro F1", "sd", *classes],
        [
            [f"{row['recordings']:g}", number(row["minutes"]), *(number(row[name]) for name in
             ("macro_f1", "sd", *classes))]
            for _, row in curve.iterrows()
        ],
        text=0,
    )  # fmt: skip
