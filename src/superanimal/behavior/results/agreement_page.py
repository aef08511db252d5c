"""The report on the agreement of raters: one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from superanimal.reports.files import write_text
from superanimal.reports.numbers import count_of, number
from superanimal.reports.page import Card, Cell, Page, table

if TYPE_CHECKING:
    from superanimal.behavior.agreement import Agreement

NOTE = (
    "Means over videos and pairs of raters, as labelled and after constant offsets are taken out. Kappa: "
    "agreement over frames beyond chance. Bout F1: bouts that share half of their time. No classifier "
    "trained on these labels can be expected to agree with a rater better than another rater does."
)
OFFSETS = "Seconds to add to all times of a rater so that raters agree best; the rater in the middle stays."
SHIFTED = 0.1
"""Seconds from which on an offset counts in the summary at the top."""


def write_page(result: Agreement, path: Path) -> Path:
    """Write the page; return its path."""
    summary, offsets = result.summary, result.offsets
    moved = offsets[offsets["certain"] & (offsets["shift_s"].abs() > SHIFTED)]
    page = Page("Agreement of raters", warnings=list(result.notes))
    page.cards += [
        Card("Videos", str(result.pairs["video"].nunique())),
        Card("Raters", str(offsets["rater"].nunique())),
        Card(
            "Frame F1",
            number(summary["frame_f1_aligned"].mean()),
            note=f"{number(summary['frame_f1'].mean())} before",
        ),
        Card("Offsets", str(len(moved)), note=f"above {SHIFTED} s, of {len(offsets)}"),
    ]
    head = [
        "Label",
        "Pairs",
        *(f"{name}{when}" for name in ("Kappa", "Frame F1", "Bout F1") for when in ("", ", aligned")),
    ]
    names = [f"{name}{when}" for name in ("kappa", "frame_f1", "bout_f1") for when in ("", "_aligned")]
    page.add(
        "Agreement",
        table(
            head,
            [
                [
                    row["label"],
                    count_of(int(row["pairs"]), "pair"),
                    *(Cell(number(row[n]), shade=_shade(row[n])) for n in names),
                ]
                for _, row in summary.iterrows()
            ],
        ),
        note=NOTE,
    )
    page.add(
        "Offsets",
        table(
            ["Video", "Rater", "Shift, s", "Standard error, s", ""],
            [
                [row["video"], row["rater"], _signed(row["shift_s"]) if row["certain"] else "–",
                 number(row["error_s"]), row["reason"]]
                for _, row in offsets.iterrows()
            ],
            text=2,
        ),
        note=OFFSETS,
    )  # fmt: skip
    return write_text(path, page.render())


def _signed(value: float) -> str:
    """Return a number of seconds with its sign and two decimals."""
    return f"{value + 0.0:+.2f}".replace("-", "−")


def _shade(value: float) -> float | None:
    return max(0.0, min(1.0, value)) if value == value else None
