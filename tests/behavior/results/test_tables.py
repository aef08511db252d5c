from __future__ import annotations

import pandas as pd
import pytest

from superanimal.behavior import check_bouts
from superanimal.behavior.results.tables import time_bins, time_budget, transitions
from superanimal.errors import InputError


@pytest.fixture
def bouts() -> pd.DataFrame:
    rows = [(0, 2, "walk"), (2, 3, "rear"), (3.5, 5, "walk"), (5, 6, "rear"), (20, 21, "walk")]
    table = pd.DataFrame(rows, columns=["start_s", "end_s", "label"])
    return check_bouts(table.assign(individual="a"))


def test_a_time_budget(bouts: pd.DataFrame) -> None:
    table = time_budget(bouts, 30, ["a", "b"]).set_index(["individual", "label"])
    row = table.loc[("a", "walk")]
    assert row[["total_s", "bouts", "mean_s", "longest_s", "latency_s"]].tolist() == [4.5, 3, 1.5, 2, 0]
    assert row["share"] == pytest.approx(0.15) and row["per_minute"] == pytest.approx(6)
    assert table.loc[("b", "walk"), "bouts"] == 0 and pd.isna(table.loc[("b", "walk"), "latency_s"])


def test_time_directed_at_two_counts_once(bouts: pd.DataFrame) -> None:
    twice = check_bouts(pd.concat([bouts.assign(target="b"), bouts.assign(target="c")]))
    assert time_budget(twice, 30)["total_s"].tolist() == [2.0, 4.5]
    assert time_bins(twice, 30, 30)["total_s"].tolist() == [2.0, 4.5]


def test_transitions_do_not_cross_a_gap(bouts: pd.DataFrame) -> None:
    table = transitions(bouts).set_index(["before", "after"])
    assert table["count"].to_dict() == {("rear", "walk"): 1, ("walk", "rear"): 2}
    assert table["probability"].tolist() == [1.0, 1.0]
    assert transitions(bouts, apart_s=60).set_index(["before", "after"])["count"][("rear", "walk")] == 2
    assert transitions(bouts.iloc[:1]).empty


def test_bins_cut_bouts(bouts: pd.DataFrame) -> None:
    table = time_bins(bouts, 25, 4).query("label == 'walk'")
    assert table["end_s"].tolist() == [4, 8, 12, 16, 20, 24, 25]
    assert table["total_s"].tolist() == [2.5, 1, 0, 0, 0, 1, 0]
    assert table["bouts"].tolist() == [2, 0, 0, 0, 0, 1, 0]
    with pytest.raises(InputError, match="both must be positive"):
        time_bins(bouts, 25, 0)
