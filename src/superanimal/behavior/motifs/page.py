"""The report on motifs: one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from superanimal.behavior.results.figures import ethogram, transition_graph
from superanimal.reports.figures import new_figure, style, svg
from superanimal.reports.files import write_text
from superanimal.reports.numbers import number
from superanimal.reports.page import Card, Markup, Page, beside, table

if TYPE_CHECKING:
    from superanimal.behavior.motifs.segment import Motifs

SHOWN = 4
"""Maximum number of animals with an ethogram."""
POINTS = 3000
"""Maximum number of frames drawn in the embedding."""


def write_page(motifs: Motifs, path: Path) -> Path:
    """Write the page; return its path."""
    summary = motifs.summary
    page = Page(
        "Motifs", ", ".join(f"{name}: {value}" for name, value in motifs.facts.items()), warnings=motifs.notes
    )
    page.cards += [
        Card("Motifs", str(len(summary))),
        Card("Bouts", str(len(motifs.bouts))),
        Card("Bout", number((motifs.bouts["end_s"] - motifs.bouts["start_s"]).median()), "s", note="median"),
    ]
    rows = [
        [row["motif"], number(100 * row["share"]), str(row["bouts"]), number(row["median_s"])]
        for _, row in summary.iterrows()
    ]
    with style():
        page.add(
            "Usage", beside(table(["Motif", "Share, %", "Bouts", "Bout, s"], rows), _embedding(motifs)),
            note="Right: a point for each frame in the first two coordinates of the embedding.",
        )  # fmt: skip
        if len(motifs.transitions):
            page.add("Transitions", svg(transition_graph(motifs.transitions)))
        for (file, who), own in list(motifs.bouts.groupby(["file", "individual"], sort=False))[:SHOWN]:
            end = float(motifs.frames.loc[motifs.frames["file"] == file, "time_s"].max())
            name = ", ".join(part for part in (Path(str(file)).name, str(who)) if part)
            page.add(f"Ethogram, {name}", svg(ethogram(own, list(summary["motif"]), end)))
    clips = [
        [
            row["motif"],
            Path(str(row["file"])).name,
            row["individual"],
            number(row["start_s"]),
            number(row["end_s"]),
        ]
        for _, row in motifs.clips.groupby("motif", sort=False).head(3).iterrows()
    ]
    page.add(
        "Examples", table(["Motif", "File", "Animal", "From, s", "To, s"], clips, text=3),
        note="The most typical bouts; more in clips.csv.",
    )  # fmt: skip
    return write_text(path, page.render())


def _embedding(motifs: Motifs) -> Markup:
    from matplotlib import colormaps

    frames = motifs.frames[motifs.frames["motif"] != ""]
    picked = frames.iloc[np.linspace(0, len(frames) - 1, min(POINTS, len(frames))).astype(int)]
    figure = new_figure(4.6, 4.2)
    axes = figure.subplots()
    colors = colormaps["tab20"]
    for k, name in enumerate(motifs.summary["motif"]):
        own = picked[picked["motif"] == name]
        axes.plot(
            own["x"], own["y"], ".", ms=2.5, alpha=0.6, color=colors(k % 20), label=name, rasterized=True
        )
    axes.set_xticks([])
    axes.set_yticks([])
    if len(motifs.summary) <= 12:
        axes.legend(fontsize=7, markerscale=3, frameon=False, loc="best")
    return svg(figure)
