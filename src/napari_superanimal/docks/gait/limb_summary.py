"""What the strides of each limb come to, as a table."""

from __future__ import annotations

from typing import Any

import pandas as pd
from qtpy.QtWidgets import QTableWidget

from napari_superanimal.parts.tables import (
    fill_row,
    height_of,
    make_plain,
    make_small,
    make_still,
    set_heads,
    swatch,
)  # fmt: skip

TIPS = {
    "Limb": "In the order of the diagram.",
    "Kept": "Strides that count, of those found.",
    "Stride s": "Median of the kept strides and their standard deviation, seconds.",
    "Duty": "Share of the stride in which the limb stands: median and standard deviation.",
    "Length": "From one standing place to the next, over ground: median and standard deviation.",
    "Phase": "Share of the first limb's stride at which this limb lands: mean and standard deviation.",
}


class LimbSummary(QTableWidget):
    """One row for each limb of an animal."""

    def __init__(self) -> None:
        super().__init__(0, len(TIPS))
        make_small(self)
        make_plain(self)
        make_still(self)

    def show_summary(self, summary: pd.DataFrame, colors: dict[str, str], *, metric: bool) -> None:
        """Show rows of ``GaitResult.summary``."""
        length = "length_m" if metric else "length_px"
        unit = " m" if metric else " px"
        heads = ((title + unit if title == "Length" else title, tip) for title, tip in TIPS.items())
        set_heads(self, heads)
        self.setRowCount(len(summary))
        for number, (_, row) in enumerate(summary.iterrows()):
            texts = (
                str(row["limb"]).replace("_", " "),
                f"{row['kept']}/{row['strides']}",
                _spread(row, "duration_s", 2),
                _spread(row, "duty_factor", 2),
                _spread(row, length, 2 if metric else 0),
                _spread(row, "phase", 2),
            )
            fill_row(self, number, texts, swatch(colors[str(row["limb"])]))
        self.setMinimumHeight(height_of(self, min(len(summary), 4)))


def _spread(row: Any, name: str, digits: int) -> str:
    value, deviation = float(row[name]), float(row[f"{name}_sd"])
    if pd.isna(value):
        return "–"
    return f"{value:.{digits}f}" + ("" if pd.isna(deviation) else f" ± {deviation:.{digits}f}")
