from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from superanimal.errors import InputError
from superanimal.groups import by_animal, compare_groups, with_groups


def strides(means: dict[tuple[str, str], float], spread: float = 0.01, each: int = 20) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {"animal": animal, "group": group, "duty": mean + rng.normal(0, spread)}
            for (animal, group), mean in means.items()
            for _ in range(each)
        ]
    )


def test_the_animal_is_the_unit_and_not_the_stride() -> None:
    # 2 x 20 strides that differ clearly, but only two animals a group: nothing can be shown
    table, notes = compare_groups(
        strides({("a", "ko"): 0.60, ("b", "ko"): 0.61, ("c", "wt"): 0.70, ("d", "wt"): 0.71}), ["duty"]
    )
    row = table.loc[0]
    assert (row["animals_a"], row["animals_b"]) == (2, 2)
    assert row["p"] == pytest.approx(2 / 6)
    assert row["difference"] == pytest.approx(0.1, abs=0.01)
    assert "exact" in row["test"]
    assert notes == ["ko, wt: with 2 and 2 animals no p below 0.33 is possible."]


def test_figures_equal_those_of_scipy() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(0, 1, 8), rng.normal(1.5, 2, 9)
    rows = pd.DataFrame(
        {"animal": np.arange(17), "group": ["a"] * 8 + ["b"] * 9, "speed": np.concatenate([x, y])}
    )
    row = compare_groups(rows, ["speed"])[0].loc[0]
    limits = stats.ttest_ind(y, x, equal_var=False).confidence_interval(0.95)
    assert (row["low"], row["high"]) == (pytest.approx(limits.low), pytest.approx(limits.high))
    assert row["p"] == pytest.approx(stats.ttest_ind(y, x).pvalue, abs=0.03)
    assert row["g_low"] < row["hedges_g"] < row["g_high"]


def test_no_difference_is_found_in_one_of_twenty() -> None:
    rng = np.random.default_rng(2)
    values = {f"v{k}": rng.normal(0, 1, 10) for k in range(200)}
    rows = pd.DataFrame({"animal": np.arange(10), "group": list("aaaaabbbbb"), **values})
    assert (compare_groups(rows, list(values))[0]["p"] <= 0.05).mean() < 0.1


def test_the_same_animals_before_and_after_are_pairs() -> None:
    rng = np.random.default_rng(3)
    means = {}
    for k in range(8):  # animals differ by far more than the treatment moves them
        own = rng.normal(0.6, 0.1)
        means[f"m{k}", "after"], means[f"m{k}", "before"] = own + 0.02, own
    table, notes = compare_groups(strides({**means, ("new", "after"): 0.9}), ["duty"])
    row = table.loc[0]
    assert (row["animals_a"], row["animals_b"]) == (8, 8)
    assert row["p"] < 0.02
    assert row["low"] < -0.02 < row["high"] < 0
    assert row["test"].endswith("paired")
    assert len(notes) == 1
    assert notes[0].endswith("being in one only: new.")


def test_phases_are_compared_the_short_way_round() -> None:
    rows = pd.DataFrame(
        {
            "animal": range(8),
            "group": list("aaaabbbb"),
            "phase": [0.96, 0.97, 0.98, 0.97, 0.03, 0.02, 0.04, 0.03],
        }
    )
    row = compare_groups(rows, ["phase"], circular=["phase"])[0].loc[0]
    assert row["difference"] == pytest.approx(0.06)
    assert row["p"] == pytest.approx(2 / 70)


def test_several_groups_and_measures_are_corrected() -> None:
    rng = np.random.default_rng(4)
    rows = pd.DataFrame(
        {"animal": range(15), "group": list("abc") * 5, "u": rng.normal(0, 1, 15), "v": rng.normal(0, 1, 15)}
    )
    table, _ = compare_groups(rows, ["u", "v"])
    assert table[["group_a", "group_b"]].drop_duplicates().to_numpy().tolist() == [
        ["a", "b"],
        ["a", "c"],
        ["b", "c"],
    ]
    assert table["p_holm"].min() == pytest.approx(min(1, 6 * table["p"].min()))
    assert (table["p_holm"] >= table["p"]).all()


def test_missing_values_and_lone_animals_give_no_number() -> None:
    rows = pd.DataFrame({"animal": list("abcd"), "group": list("xxyy"), "v": [1.0, 2.0, 3.0, np.nan]})
    row = compare_groups(rows, ["v"])[0].loc[0]
    assert row["animals_b"] == 1
    assert np.isnan(row["p"])
    assert row["difference"] == pytest.approx(1.5)


@pytest.mark.parametrize(("column", "message"), [("sex", "no column 'sex'"), ("group", "names 1 group")])
def test_what_cannot_be_compared_is_said(column: str, message: str) -> None:
    rows = pd.DataFrame({"animal": ["a", "b"], "group": ["x", "x"], "v": [1.0, 2.0]})
    with pytest.raises(InputError, match=message):
        compare_groups(rows, ["v"], group=column)


def test_a_table_of_groups_is_joined_by_file_name() -> None:
    frame = pd.DataFrame({"file": ["/data/a.h5", "/data/b.h5"], "speed": [1.0, 2.0]})
    groups = pd.DataFrame({"file": ["b.h5", "a.h5"], "group": ["ko", "wt"]})
    assert with_groups(frame, groups, list(frame["file"]))["group"].tolist() == ["wt", "ko"]
    with pytest.raises(InputError, match=r"no row for b\.h5"):
        with_groups(frame, groups.iloc[1:], list(frame["file"]))
    with pytest.raises(InputError, match="no row for poses without a file name"):
        with_groups(frame.assign(file=""), groups, [""])
    with pytest.raises(InputError, match="a column 'speed'"):
        with_groups(frame, groups.assign(speed=1), list(frame["file"]))


def test_files_of_one_name_are_told_apart_by_their_folders() -> None:
    files = ["/data/day1/clip.h5", "/data/day2/clip.h5"]
    frame = pd.DataFrame({"file": [files[1], files[0], files[1]], "speed": [1.0, 2.0, 3.0]})
    groups = pd.DataFrame({"file": ["day1/clip.h5", "day2/clip.h5"], "group": ["before", "after"]})
    assert with_groups(frame, groups, files)["group"].tolist() == ["after", "before", "after"]
    with pytest.raises(InputError, match=r"one row clip\.h5 for 2 files of that name"):
        with_groups(frame, pd.DataFrame({"file": ["clip.h5"], "group": ["before"]}), files)
    with pytest.raises(InputError, match=r"names day1/clip\.h5 more than once"):
        with_groups(frame, pd.concat([groups, groups.iloc[:1]]), files)


def test_individuals_of_one_file_are_animals_of_their_own() -> None:
    pair = pd.DataFrame({"file": ["a", "a", "b"], "individual": ["1", "2", "1"]})
    assert by_animal(pair)["animal"].tolist() == ["a, 1", "a, 2", "b, 1"]
    assert by_animal(pair.assign(animal="X"))["animal"].tolist() == ["X, 1", "X, 2", "X, 1"]
    alone = pair[1:].assign(animal=["X", "X"])  # one animal, recorded twice
    assert by_animal(alone)["animal"].tolist() == ["X", "X"]
