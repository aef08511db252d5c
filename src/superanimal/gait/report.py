"""The report of a gait analysis: one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from superanimal.gait.figures import NAMES, draw_angles, draw_footfalls, draw_groups, draw_hildebrand
from superanimal.gait.strides import MOST_CLOSURE, MOST_SLIP
from superanimal.reports.figures import svg
from superanimal.reports.files import write_text
from superanimal.reports.numbers import count_of, number, signed
from superanimal.reports.page import Card, Markup, Page, table

if TYPE_CHECKING:
    from superanimal.gait.result import GaitResult

SHOWN = 6
"""Maximum number of animals with a footfall diagram."""
MOST_ROWS, MOST_NOTES = 60, 12
"""Rows of a table and notes that the page shows; the csv tables have all."""


def write_report(result: GaitResult, path: Path) -> Path:
    """Write the page and return its path."""
    strides = result.strides
    kept = strides[strides["refused"] == ""]
    files = result.facts.get("files") or [result.facts.get("file", "")]
    page = Page("Gait", str(files[0]) if len(files) == 1 else count_of(len(files), "file"))
    page.warnings += result.notes[:MOST_NOTES]
    if (more := len(result.notes) - MOST_NOTES) > 0:
        page.warnings.append(f"And {count_of(more, 'further note')}.")
    page.cards += [
        Card("Strides kept", str(len(kept)), note=f"of {len(strides)} found"),
        Card("Gait", str(kept["gait"].mode().iloc[0]) or "–" if len(kept) else "–"),
        Card("Stride", number(kept["duration_s"].median()), "s"),
        Card("Duty factor", number(kept["duty_factor"].median())),
    ]
    if len(result.comparison):
        page.add("Groups", svg(draw_groups(result)), note="A dot for each animal, a line at their mean.")
        page.add("Groups compared", _comparison(result.comparison), note=_COMPARISON)
    page.add(
        "Limbs",
        _summary(result.summary),
        note="Medians of the kept strides ± standard deviation from stride to stride; phase: fraction of the "
        f"first limb's stride.{_belt(result.summary)}{_cut(result.summary, 'summary.csv')}",
    )
    for name, own in list(strides.groupby(_who(strides), sort=False))[:SHOWN]:
        first = own.iloc[0]
        figure = draw_footfalls(result, str(first["individual"]), first.get("file"))
        page.add(f"Footfalls{_said(strides, name)}", svg(figure), note=_FOOTFALLS)
    if len(kept):
        page.add(
            "Duty factor and phase",
            svg(draw_hildebrand(result)),
            note="After Hildebrand (1965); one point for each kept stride.",
        )
    if len(result.cycles):
        for name, own in list(result.cycles.groupby(_who(result.cycles), sort=False))[:SHOWN]:
            page.add(f"Joint angles{_said(strides, name)}", svg(draw_angles(own)), note=_ANGLES)
    if len(result.coupling):
        page.add(
            "How the limbs go together",
            _coupling(result.coupling),
            note=_COUPLING + _cut(result.coupling, "coupling.csv"),
        )
    if len(result.symmetry):
        page.add(
            "Left and right",
            _symmetry(result.symmetry),
            note=_SYMMETRY + _cut(result.symmetry, "symmetry.csv"),
        )
    if len(result.vertical):
        page.add(
            "Vertical asymmetry",
            _vertical(result.vertical),
            note=_VERTICAL + _cut(result.vertical, "vertical.csv"),
        )
    if len(kept):
        page.add(
            "How well the strides close",
            _quality(result.summary),
            note=_QUALITY + _cut(result.summary, "summary.csv"),
        )
    reasons = strides.loc[strides["refused"] != "", "refused"].value_counts()
    if len(reasons):
        page.add(
            "Refused strides", table(["Reason", "Strides"], [[r, count] for r, count in reasons.items()])
        )
    return write_text(path, page.render())


def _who(frame: pd.DataFrame) -> list[str]:
    return [name for name in ("file", "individual") if name in frame.columns]


def _told(frame: pd.DataFrame) -> list[str]:
    """Return which columns tell the animals of a table apart."""
    return [name for name in _who(frame) if frame[name].nunique() > 1]


def _said(strides: pd.DataFrame, name: tuple[object, ...]) -> str:
    """Return what tells an animal from the others, after a comma; nothing when it is the only one."""
    told = _told(strides)
    said = [Path(str(part)).name for part, column in zip(name, _who(strides), strict=True) if column in told]
    return "".join(f", {part}" for part in said)


def _cut(table: pd.DataFrame, file: str) -> str:
    """Return where all rows are when a page shows the first only, as a sentence."""
    return (
        f" The first {MOST_ROWS} of {len(table):,} rows; all are in {file}." if len(table) > MOST_ROWS else ""
    )


def _summary(summary: pd.DataFrame) -> Markup:
    measures = {
        "duration_s": "Stride, s", "duty_factor": "Duty factor", "length_px": "Length, px",
        "length_body": "Body lengths", "length_m": "Length, m", "speed": "Speed, px/s",
        "speed_m_s": "Speed, m/s", "phase": "Phase",
    }  # fmt: skip
    if summary["length_m"].notna().any():  # metres say it all
        measures = {name: title for name, title in measures.items() if name not in ("length_body", "speed")}
    return _by_limb(summary, measures, ["gait", *(["ground"] if set(summary["ground"]) != {"still"} else [])])


def _quality(summary: pd.DataFrame) -> Markup:
    return _by_limb(summary, {"slip": "Slip", "closure": "Closure"}, [])


def _by_limb(summary: pd.DataFrame, measures: dict[str, str], further: list[str]) -> Markup:
    measures = {name: title for name, title in measures.items() if summary[name].notna().any()}
    told = _told(summary)
    rows = [
        [*(Path(str(row[name])).name for name in told), row["limb"].replace("_", " "),
         *(row[name] for name in further), f"{row['kept']} of {row['strides']}",
         *(_spread(row, name) for name in measures)]
        for _, row in summary[:MOST_ROWS].iterrows()
    ]  # fmt: skip
    head = [name.capitalize() for name in (*told, "limb", *further)]
    return table([*head, "Kept", *measures.values()], rows, text=len(head))


def _spread(row: pd.Series, name: str) -> str:
    value, deviation = number(row[name]), float(row[f"{name}_sd"])
    if deviation != deviation:
        return value
    return f"{value} ± {deviation:.{len(value.partition('.')[2])}f}"


def _belt(summary: pd.DataFrame) -> str:
    """Return what is known of a treadmill, as a sentence."""
    speeds = summary["belt_speed"].dropna().unique()
    if not len(speeds):
        return ""
    said = ", ".join(dict.fromkeys(number(speed) for speed in sorted(speeds)))
    return f" The ground moves steadily (a belt, or a camera that follows) at {said} px/s."


_COUPLING = (
    "Phase: fraction of the first limb's stride at which the second lands, circular mean over the kept "
    "strides with its 95 % interval. Concentration: 1 when all strides agree; p: Rayleigh's test against no "
    "coordination."
)
_FOOTFALLS = "Bars: the limb stands. Pale: the stride that it begins was refused. Hatched: not known."
_ANGLES = (
    "Mean of the kept strides from contact to contact, shaded: one standard deviation. 180° is a straight "
    "limb, as the camera sees it."
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
_QUALITY = (
    "Slip: speed of the standing foot over the animal's. Closure: stride length against the trunk's way. "
    f"Medians of the kept strides; strides above {MOST_SLIP} and {MOST_CLOSURE} were refused."
)
_COMPARISON = (
    "One value for each animal. Permutation tests; p corrected after Holm over all rows. Difference: second "
    "group less first, with its 95 % interval; g: Hedges' effect size. Lengths are in metres where they are "
    "known, else in body lengths."
)


def _phase(pair: str) -> str:
    return f"Phase, {pair.replace('_', ' ')}"


def _coupling(coupling: pd.DataFrame) -> Markup:
    who = _told(coupling)
    rows = [
        [*(Path(str(row[name])).name for name in who), row["pair"],
         f"{row['reference']}, {row['limb']}".replace("_", " "), count_of(int(row["strides"]), "stride"),
         number(row["phase"]), f"{number(row['low'])} to {number(row['high'])}", number(row["concentration"]),
         number(row["rayleigh_p"])]
        for _, row in coupling[:MOST_ROWS].iterrows()
    ]  # fmt: skip
    head = [*(name.capitalize() for name in who), "Pair", "Limbs", "Kept", "Phase", "95 %", "Concentration"]
    return table([*head, "p"], rows, text=len(who) + 2)


def _symmetry(symmetry: pd.DataFrame) -> Markup:
    who = [*_told(symmetry), "pair"]
    rows = [
        [*(Path(str(row[name])).name for name in who), NAMES[row["measure"]], number(row["left"]),
         number(row["right"]), signed(row["index"]), f"{signed(row['low'])} to {signed(row['high'])}"]
        for _, row in symmetry[:MOST_ROWS].iterrows()
    ]  # fmt: skip
    head = [*(name.capitalize() for name in who), "Measure", "Left", "Right", "Index, %", "95 %"]
    return table(head, rows, text=len(who) + 1)


def _vertical(vertical: pd.DataFrame) -> Markup:
    who = [*_told(vertical), "part", "unit"]
    rows = [
        [*(Path(str(row[name])).name for name in who), row["note"] or "measured",
         count_of(int(row["strides"]), "stride"),
         number(row["min_diff"]), f"{number(row['min_low'])} to {number(row['min_high'])}",
         number(row["max_diff"]), f"{number(row['max_low'])} to {number(row['max_high'])}"]
        for _, row in vertical[:MOST_ROWS].iterrows()
    ]  # fmt: skip
    head = [*(name.capitalize() for name in who), "Note", "Strides", "Minima", "95 %", "Maxima", "95 %"]
    return table(head, rows, text=len(who) + 1)


def _comparison(comparison: pd.DataFrame) -> Markup:
    rows = [
        [f"{row['group_a']}, {row['group_b']}", NAMES.get(row["measure"]) or _phase(row["measure"]),
         f"{row['animals_a']}, {row['animals_b']}", number(row["mean_a"]), number(row["mean_b"]),
         number(row["difference"]), f"{number(row['low'])} to {number(row['high'])}", number(row["hedges_g"]),
         number(row["p"]), number(row["p_holm"])]
        for _, row in comparison.iterrows()
    ]  # fmt: skip
    head = ["Groups", "Measure", "Animals", "First", "Second", "Difference", "95 %", "g", "p", "p, Holm"]
    return table(head, rows, text=2)
