"""The report of a gait analysis: one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from superanimal.reports.figures import ACCENT, BAND, INK, LINE, SOFT, new_figure, style, svg
from superanimal.reports.files import write_text
from superanimal.reports.numbers import count_of, number
from superanimal.reports.page import Card, Markup, Page, table

if TYPE_CHECKING:
    from superanimal.gait.result import GaitResult

SHOWN = 6
"""So many animals get a footfall diagram."""


def write_report(result: GaitResult, path: Path) -> Path:
    """Write the page and return its path."""
    strides = result.strides
    kept = strides[strides["refused"] == ""]
    page = Page("Gait", ", ".join(str(v) for k, v in result.facts.items() if k == "file" and v))
    page.warnings += result.notes
    page.cards += [
        Card("Strides kept", str(len(kept)), note=f"of {len(strides)} found"),
        Card("Gait", str(kept["gait"].mode().iloc[0]) or "–" if len(kept) else "–"),
        Card("Stride", number(kept["duration_s"].median()), "s"),
        Card("Duty factor", number(kept["duty_factor"].median())),
    ]
    page.add(
        "Limbs",
        _summary(result.summary),
        note="Medians of the kept strides; phase: share of the first limb's stride.",
    )
    with style():
        for name, group in list(strides.groupby(_who(strides), sort=False))[:SHOWN]:
            page.add(
                f"Footfalls, {_said(name)}", _footfalls(group), note="Bars: the limb stands. Pale: refused."
            )
        if len(kept):
            page.add(
                "Duty factor and phase",
                _hildebrand(result),
                note="After Hildebrand (1965); one point for each kept stride.",
            )
    reasons = strides.loc[strides["refused"] != "", "refused"].value_counts()
    if len(reasons):
        page.add(
            "Refused strides", table(["Reason", "Strides"], [[r, count] for r, count in reasons.items()])
        )
    return write_text(path, page.render())


def _who(frame: pd.DataFrame) -> list[str]:
    return [name for name in ("file", "individual") if name in frame.columns]


def _said(name: object) -> str:
    parts = name if isinstance(name, tuple) else (name,)
    return ", ".join(Path(str(part)).name for part in parts)


def _summary(summary: pd.DataFrame) -> Markup:
    measures = {
        "duration_s": "Stride, s", "duty_factor": "Duty factor", "length_px": "Length, px",
        "speed": "Speed, px/s",
        "phase": "Phase", "slip": "Slip", "closure": "Closure",
    }  # fmt: skip
    who = [*_who(summary), "limb", "gait", "ground"]
    rows = [
        [*(Path(str(row[name])).name if name == "file" else row[name] for name in who),
         count_of(int(row["kept"]), "stride"),
         *(number(row[name]) for name in measures)]
        for _, row in summary.iterrows()
    ]  # fmt: skip
    return table([*(name.capitalize() for name in who), "Kept", *measures.values()], rows, text=len(who))


def _footfalls(strides: pd.DataFrame) -> Markup:
    limbs = list(dict.fromkeys(strides["limb"]))
    figure = new_figure(8, 0.7 + 0.35 * len(limbs))
    axes = figure.subplots()
    for _, stride in strides.iterrows():
        row = limbs.index(stride["limb"])
        axes.barh(
            row,
            stride["stance_s"],
            left=stride["start_s"],
            height=0.6,
            color=BAND if stride["refused"] else ACCENT,
        )
    axes.set_yticks(range(len(limbs)), [name.replace("_", " ") for name in limbs])
    axes.invert_yaxis()
    axes.set_xlabel("Time, s")
    return svg(figure)


def _hildebrand(result: GaitResult) -> Markup:
    kept = result.strides[result.strides["refused"] == ""]
    own = result.phases[
        result.phases["reference"].str.contains("hind")
        & (result.phases["limb"] == result.phases["reference"].str.replace("hind", "fore"))
    ]
    who = _who(kept)
    both = kept.merge(own, left_on=[*who, "limb", "start_s"], right_on=[*who, "reference", "start_s"])
    figure = new_figure(5, 3.6)
    axes = figure.subplots()
    for x, name in ((0, "pace"), (0.25, "walk, tölt"), (0.5, "trot"), (0.75, "diagonal walk"), (1, "pace")):
        axes.text(x, 0.97, name, ha="center", va="top", color=SOFT, fontsize=8)
    for edge in (0.125, 0.375, 0.625, 0.875):
        axes.axvline(edge, color=LINE, lw=0.8)
    axes.axhline(0.5, color=LINE, lw=0.8)
    axes.plot(both["phase"], both["duty_factor"], "o", ms=4, color=ACCENT, mec=INK, mew=0.3)
    axes.set(
        xlim=(0, 1),
        ylim=(0, 1),
        xlabel="Fore after hind of the same side, share of stride",
        ylabel="Duty factor",
    )
    return svg(figure)
