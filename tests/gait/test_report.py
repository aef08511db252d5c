from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from walks import poses_of

from superanimal.gait import GaitResult, analyze
from superanimal.gait.analysis import joined, with_groups
from superanimal.gait.figures import draw_footfalls, draw_groups
from superanimal.gait.report import MOST_NOTES, MOST_ROWS, write_report
from superanimal.synth.gaits import generate


@pytest.fixture(scope="module")
def walk() -> GaitResult:
    return analyze(poses_of(generate("walk", fps=60, noise=0.3, strides=4)))


def named(result: GaitResult, name: str) -> GaitResult:
    return replace(result, facts={**result.facts, "file": name}, notes=[f"a note on {name}"])


def test_one_animal_is_not_named_in_each_row(walk: GaitResult, tmp_path: Path) -> None:
    page = write_report(walk, tmp_path / "page.html").read_text("utf-8")
    assert "Individual" not in page
    for title in ("Footfalls", "Duty factor and phase", "How the limbs go together", "How well the strides"):
        assert title in page


def test_many_files_are_cut_and_the_page_says_where_the_rest_is(walk: GaitResult, tmp_path: Path) -> None:
    count = MOST_ROWS // 4 + 2
    files = [f"f{k:02}.h5" for k in range(count)]
    table = pd.DataFrame({"file": files, "group": ["a", "b"] * (count // 2) + ["a"] * (count % 2)})
    result = with_groups(joined([named(walk, file) for file in files]), table)
    page = write_report(result, tmp_path / "page.html").read_text("utf-8")
    assert f"The first {MOST_ROWS} of {4 * count} rows; all are in summary.csv." in page
    assert f"The first {MOST_ROWS} of {6 * count} rows; all are in coupling.csv." in page
    assert f"And {len(result.notes) - MOST_NOTES} further notes." in page
    assert page.index("Groups compared") < page.index("Limbs")


def test_a_footfall_diagram_has_every_stance_of_its_animal_only(walk: GaitResult) -> None:
    both = joined([named(walk, "a.h5"), named(walk, "b.h5")])
    bars = draw_footfalls(both, "animal0", "a.h5").axes[0].patches
    contacts = (walk.events["event"] == "contact").sum()
    assert contacts <= len(bars) <= contacts + 4  # and stances that were going on when it began


def test_groups_are_drawn_with_a_dot_for_each_animal(walk: GaitResult) -> None:
    table = pd.DataFrame(
        {"file": ["a.h5", "b.h5", "c.h5"], "group": ["x", "x", "y"], "animal": ["1", "2", "3"]}
    )
    result = with_groups(joined([named(walk, file) for file in table["file"]]), table)
    axes = draw_groups(result).axes[0]
    assert [len(line.get_xdata()) for line in axes.lines if line.get_marker() == "o"] == [2, 1]
