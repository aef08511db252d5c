"""The report of an experiment: one HTML page, and its figures as files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from superanimal.behavior.results import figures
from superanimal.reports.figures import save_figure, style, svg
from superanimal.reports.files import write_text
from superanimal.reports.numbers import number
from superanimal.reports.page import Card, Cell, Markup, Page, beside, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from superanimal.behavior.results.experiment import Results

SHOWN = 12
"""Maximum number of ethograms and of heatmaps on the page."""
LARGEST = 60
"""Maximum number of rows of the comparison on the page, the smallest p first."""
_COMPARISON = (
    "One value for each animal. Permutation tests; p corrected after Holm over all measures. Difference: "
    "second group less first, with its 95 % interval; g: Hedges' effect size. All rows are in comparison.csv."
)


def write_page(results: Results, path: Path) -> Path:
    """Write the page; return its path."""
    page = Page("Behaviour", _count(len(results.recordings), "recording"), warnings=list(results.notes))
    measures, budget = results.measures, results.budget
    page.cards += [
        Card("Recordings", str(len(results.recordings))),
        Card("Time", number(sum(each.duration_s for each in results.recordings) / 60), "min"),
        Card(
            "Distance", number(measures["distance_body"].mean()), "body lengths", note="mean of the animals"
        ),
        Card("Immobile", number(100 * measures["immobile_share"].mean()), "%", note="mean of the animals"),
    ]
    drawn = dict(_figures(results))
    with style():
        if len(budget):
            page.add("Time budget", beside(_budget(budget), _svg(drawn.get("budget"))), note=_BUDGET)
            _add_all(page, "Ethogram", drawn, "ethogram")
        if len(results.transitions):
            page.add(
                "Transitions",
                beside(_matrix(results.transitions), _svg(drawn.get("transitions"))),
                note="How often a behaviour (row) is followed by another (column) within a second, percent.",
            )
        if "bins" in drawn:
            page.add("Over time", _svg(drawn["bins"]), note="Mean share of time, over all animals.")
        page.add("Movement", _measures(measures), note=_MEASURES)
        if len(results.regions):
            page.add("Regions", _regions(results.regions), note=_REGIONS)
        _add_all(page, "Where they were", drawn, "heatmap")
        if len(results.comparison):
            page.add("Groups", _comparison(results.comparison), note=_COMPARISON)
    return write_text(path, page.render())


def save_figures(results: Results, folder: Path) -> list[Path]:
    """Write all figures as PNG and SVG; return their paths."""
    files = []
    for name, figure in _figures(results):
        safe = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)
        with style():
            files += [save_figure(figure, folder / f"{safe}{suffix}") for suffix in (".png", ".svg")]
    return files


def _figures(results: Results) -> Iterator[tuple[str, Figure]]:
    """Yield names and figures; those of single animals are called ``KIND, FILE, INDIVIDUAL``."""
    with style():
        labels = list(dict.fromkeys(results.budget["label"])) if len(results.budget) else []
        if labels:
            yield "budget", figures.budget(results.budget)
            yield "bins", figures.bins(results.bins, labels)
        if len(results.transitions):
            yield "transitions", figures.transition_graph(results.transitions)
        count = 0
        for each in results.recordings:
            for who, own in each.bouts.groupby("individual", sort=True) if len(each.bouts) else ():
                if (count := count + 1) <= SHOWN:
                    yield (
                        _called("ethogram", each.file, str(who)),
                        figures.ethogram(own, labels, each.duration_s),
                    )
        count = 0
        for each in results.recordings:
            for path in each.measures.paths:
                if path.seen.sum() > 1 and (count := count + 1) <= SHOWN:
                    yield _called("heatmap", each.file, path.individual), figures.heatmap(path, each.regions)


def _called(kind: str, file: str, individual: str) -> str:
    return ", ".join(part for part in (kind, Path(file).name, individual) if part)


def _add_all(page: Page, title: str, drawn: dict[str, Figure], kind: str) -> None:
    own = {name: figure for name, figure in drawn.items() if name.startswith(f"{kind}, ")}
    parts = [
        Markup("<div><h3>{}</h3>{}</div>").format(name.partition(", ")[2], _svg(figure))
        for name, figure in own.items()
    ]
    if parts:
        page.add(title, beside(*parts), note=f"The first {SHOWN}." if len(parts) == SHOWN else "")


_BUDGET = "Share of the recording and number of bouts; means over animals. Points: animals."
_MEASURES = (
    "Of the animal's trunk. Immobile: slower than 0.1 body lengths per second for at least a second. Time in "
    "which an animal is not seen counts nowhere."
)
_REGIONS = "Share of the time in which the animal is seen. Entries are visits that begin outside."


def _budget(budget: pd.DataFrame) -> Markup:
    means = budget.groupby("label", sort=False)[
        ["share", "bouts", "per_minute", "mean_s", "latency_s"]
    ].mean()
    rows = [
        [label, number(100 * row["share"]), number(row["bouts"]), number(row["per_minute"]),
         number(row["mean_s"]), number(row["latency_s"])]
        for label, row in means.iterrows()
    ]  # fmt: skip
    return table(["Behaviour", "Share, %", "Bouts", "Per minute", "Bout, s", "First at, s"], rows)


def _matrix(transitions: pd.DataFrame) -> Markup:
    count = transitions.groupby(["before", "after"])["count"].sum()
    share = (count / count.groupby("before").transform("sum")).unstack().fillna(0.0)
    rows = [
        [before, *(Cell(f"{100 * value:.0f}" if value else "", shade=float(value)) for value in row)]
        for before, row in zip(share.index, share.to_numpy(), strict=True)
    ]
    return table(["", *map(str, share.columns)], rows)


def _measures(measures: pd.DataFrame) -> Markup:
    columns = {
        "distance_px": "Distance, px", "distance_body": "body lengths", "distance_cm": "cm",
        "speed_px": "Speed, px/s",
        "speed_body": "body lengths/s", "speed_cm": "cm/s", "immobile_share": "Immobile, share",
        "edge_distance_px": "From edge, px",
    }  # fmt: skip
    used = {
        name: words for name, words in columns.items() if name in measures and measures[name].notna().any()
    }
    rows = [
        [Path(str(row["file"])).name, row["individual"], *(number(row[name]) for name in used)]
        for _, row in measures.iterrows()
    ]
    return table(["File", "Animal", *used.values()], rows, text=2)


def _regions(regions: pd.DataFrame) -> Markup:
    rows = [
        [Path(str(row["file"])).name, row["individual"], row["region"], number(row["time_s"]),
         number(100 * row["share"]), str(row["entries"]), number(row["latency_s"]),
         number(row["distance_px"])]
        for _, row in regions.iterrows()
    ]  # fmt: skip
    head = ["File", "Animal", "Region", "Time, s", "Share, %", "Entries", "First at, s", "Distance, px"]
    return table(head, rows, text=3)


def _comparison(comparison: pd.DataFrame) -> Markup:
    shown = comparison.sort_values("p", kind="stable").head(LARGEST)
    rows = [
        [f"{row['group_a']}, {row['group_b']}", str(row["measure"]).replace("_", " "),
         f"{row['animals_a']}, {row['animals_b']}", number(row["mean_a"]), number(row["mean_b"]),
         number(row["difference"]), f"{number(row['low'])} to {number(row['high'])}", number(row["hedges_g"]),
         number(row["p"]), number(row["p_holm"])]
        for _, row in shown.iterrows()
    ]  # fmt: skip
    head = ["Groups", "Measure", "Animals", "First", "Second", "Difference", "95 %", "g", "p", "p, Holm"]
    return table(head, rows, text=2)


def _svg(figure: Figure | None) -> Markup:
    return svg(figure) if figure is not None else Markup("")


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
