"""The report of a gait analysis: one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from superanimal.bootstrap import Interval
from superanimal.gait.hildebrand import draw_regions, own_side
from superanimal.reports.figures import ACCENT, BAND, INK, LINE, SOFT, band, new_figure, style, svg
from superanimal.reports.files import write_text
from superanimal.reports.numbers import count_of, number, signed
from superanimal.reports.page import Card, Markup, Page, table

if TYPE_CHECKING:
    from superanimal.gait.result import GaitResult

SHOWN = 6
"""Maximum number of animals with a footfall diagram."""


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
        note="Medians of the kept strides ± standard deviation from stride to stride; phase: fraction of the "
        f"first limb's stride.{_belt(result.summary)}",
    )
    with style():
        for name, group in list(strides.groupby(_who(strides), sort=False))[:SHOWN]:
            page.add(f"Footfalls, {_said(name)}", _footfalls(group), note="Bars: stance. Pale: refused.")
        if len(kept):
            page.add(
                "Duty factor and phase",
                _hildebrand(result),
                note="After Hildebrand (1965); one point for each kept stride.",
            )
        for name, own in list(result.cycles.groupby(_who(result.cycles), sort=False))[:SHOWN]:
            page.add(
                f"Joint angles, {_said(name)}",
                _angles(own),
                note="Mean of the kept strides from contact to contact, shaded: one standard deviation. "
                "180° is a straight limb, as the camera sees it.",
            )
    if len(result.coupling):
        page.add("How the limbs go together", _coupling(result.coupling), note=_COUPLING)
    if len(result.symmetry):
        page.add("Left and right", _symmetry(result.symmetry), note=_SYMMETRY)
    if len(result.vertical):
        page.add("Vertical asymmetry", _vertical(result.vertical), note=_VERTICAL)
    if len(result.comparison):
        page.add("Groups", _comparison(result.comparison), note=_COMPARISON)
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
        "length_body": "Body lengths", "speed": "Speed, px/s", "phase": "Phase", "slip": "Slip",
        "closure": "Closure",
    }  # fmt: skip
    measures |= {"length_m": "Length, m", "speed_m_s": "Speed, m/s"}
    measures = {name: title for name, title in measures.items() if summary[name].notna().any()}
    who = [*_who(summary), "limb", "gait", "ground"]
    rows = [
        [*(Path(str(row[name])).name if name == "file" else row[name] for name in who),
         count_of(int(row["kept"]), "stride"),
         *(_spread(row, name) for name in measures)]
        for _, row in summary.iterrows()
    ]  # fmt: skip
    return table([*(name.capitalize() for name in who), "Kept", *measures.values()], rows, text=len(who))


def _spread(row: pd.Series, name: str) -> str:
    deviation = float(row[f"{name}_sd"])
    return number(row[name]) + (f" ± {number(deviation)}" if deviation == deviation else "")


def _belt(summary: pd.DataFrame) -> str:
    """Return what is known of a treadmill, as a sentence."""
    speeds = summary["belt_speed"].dropna().unique()
    if not len(speeds):
        return ""
    said = ", ".join(number(speed) for speed in sorted(speeds))
    return f" The ground moves steadily (a belt, or a camera that follows) at {said} px/s."


_COUPLING = (
    "Phase: fraction of the first limb's stride at which the second lands, circular mean over the kept "
    "strides with its 95 % interval. Concentration: 1 when all strides agree; p: Rayleigh's test against no "
    "coordination."
)
_SYMMETRY = (
    "Index: 100 (left − right) / mean of both, in percent, with its 95 % interval over the strides of this "
    "recording. Near zero is symmetrical; an interval that holds zero shows no difference."
)
_VERTICAL = (
    "Lowest and highest point in the half of the stride that begins with the left limb's contact, less those "
    "of the other half, with 95 % intervals. No diagnosis: a figure to look at, in a side view and a "
    "symmetrical gait."
)
_COMPARISON = (
    "One value for each animal. Permutation tests; p corrected after Holm over all rows. Difference: second "
    "group less first, with its 95 % interval; g: Hedges' effect size."
)
_NAMES = {
    "duration_s": "Stride, s", "stance_s": "Stance, s", "swing_s": "Swing, s", "duty_factor": "Duty factor",
    "frequency_hz": "Frequency, Hz", "length_px": "Stride length, px",
    "length_body": "Stride length, body lengths",
    "length_m": "Stride length, m", "speed": "Speed, px/s", "speed_body_s": "Speed, body lengths/s",
    "speed_m_s": "Speed, m/s", "swing_height_px": "Swing height, px", "step_length_px": "Step length, px",
    "step_width_px": "Step width, px",
}  # fmt: skip


def _coupling(coupling: pd.DataFrame) -> Markup:
    who = _who(coupling)
    rows = [
        [*(Path(str(row[name])).name for name in who), row["pair"],
         f"{row['reference']}, {row['limb']}".replace("_", " "), count_of(int(row["strides"]), "stride"),
         number(row["phase"]), f"{number(row['low'])} to {number(row['high'])}", number(row["concentration"]),
         number(row["rayleigh_p"])]
        for _, row in coupling.iterrows()
    ]  # fmt: skip
    head = [*(name.capitalize() for name in who), "Pair", "Limbs", "Kept", "Phase", "95 %", "Concentration"]
    return table([*head, "p"], rows, text=len(who) + 2)


def _symmetry(symmetry: pd.DataFrame) -> Markup:
    who = [*_who(symmetry), "pair"]
    rows = [
        [*(Path(str(row[name])).name for name in who), _NAMES[row["measure"]], number(row["left"]),
         number(row["right"]), signed(row["index"]), f"{signed(row['low'])} to {signed(row['high'])}"]
        for _, row in symmetry.iterrows()
    ]  # fmt: skip
    head = [*(name.capitalize() for name in who), "Measure", "Left", "Right", "Index, %", "95 %"]
    return table(head, rows, text=len(who) + 1)


def _vertical(vertical: pd.DataFrame) -> Markup:
    who = [*_who(vertical), "part", "unit"]
    rows = [
        [*(Path(str(row[name])).name for name in who), row["note"] or "measured",
         count_of(int(row["strides"]), "stride"),
         number(row["min_diff"]), f"{number(row['min_low'])} to {number(row['min_high'])}",
         number(row["max_diff"]), f"{number(row['max_low'])} to {number(row['max_high'])}"]
        for _, row in vertical.iterrows()
    ]  # fmt: skip
    head = [*(name.capitalize() for name in who), "", "Strides", "Minima", "95 %", "Maxima", "95 %"]
    return table(head, rows, text=len(who) + 1)


def _comparison(comparison: pd.DataFrame) -> Markup:
    rows = [
        [f"{row['group_a']}, {row['group_b']}", _NAMES[row["measure"]],
         f"{row['animals_a']}, {row['animals_b']}", number(row["mean_a"]), number(row["mean_b"]),
         number(row["difference"]), f"{number(row['low'])} to {number(row['high'])}", number(row["hedges_g"]),
         number(row["p"]), number(row["p_holm"])]
        for _, row in comparison.iterrows()
    ]  # fmt: skip
    head = ["Groups", "Measure", "Animals", "First", "Second", "Difference", "95 %", "g", "p", "p, Holm"]
    return table(head, rows, text=2)


def _angles(cycles: pd.DataFrame) -> Markup:
    drawn = list(cycles.groupby("joint", sort=False))
    columns = min(len(drawn), 4)
    lines = -(-len(drawn) // columns)
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
    return svg(figure)


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
    both = own_side(result)
    figure = new_figure(5, 3.6)
    axes = figure.subplots()
    draw_regions(axes, INK, SOFT, LINE)
    axes.plot(both["phase"], both["duty_factor"], "o", ms=4, color=ACCENT, mec=INK, mew=0.3)
    return svg(figure)
