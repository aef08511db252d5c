from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from superanimal.gait.symmetry import MEASURES, symmetry_table


def strides(left: float, right: float, limb: str = "{}_hind", n: int = 12) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = []
    for side, mean in (("left", left), ("right", right)):
        for _ in range(n):
            values = dict.fromkeys(MEASURES, 1.0) | {"stance_s": mean + rng.normal(0, 0.01)}
            rows.append({"individual": "a", "limb": limb.format(side), "refused": "", **values})
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("limb", "pair"), [("{}_hind", "hind"), ("{}_fore", "fore"), ("{}", "both")])
def test_a_planted_difference_is_found(limb: str, pair: str) -> None:
    table = symmetry_table(strides(0.55, 0.45, limb)).set_index("measure")
    assert set(table["pair"]) == {pair}
    assert table.loc["stance_s", "index"] == pytest.approx(20, abs=1)
    assert 0 < table.loc["stance_s", "low"] < 20 < table.loc["stance_s", "high"]
    assert table.loc["duty_factor", "index"] == 0


def test_equal_sides_hold_zero_and_refused_strides_do_not_count() -> None:
    frame = strides(0.5, 0.5)
    frame.loc[frame.index[:3], ["stance_s", "refused"]] = [9.0, "it turns"]
    row = symmetry_table(frame).set_index("measure").loc["stance_s"]
    assert row["strides_left"] == 9
    assert row["low"] < 0 < row["high"]


def test_one_side_alone_gives_nothing() -> None:
    frame = strides(0.5, 0.5)
    assert symmetry_table(frame[frame["limb"] == "left_hind"]).empty
