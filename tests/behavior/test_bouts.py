from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from superanimal.behavior import bouts_of, check_bouts, frames_of
from superanimal.behavior.bouts import COLUMNS, drop_short, fill_gaps, of_animal, shifted, within
from superanimal.errors import FormatError, InputError


def bouts(*rows: tuple[float, float, str], **who: str) -> pd.DataFrame:
    return check_bouts(pd.DataFrame(rows, columns=["start_s", "end_s", "label"]).assign(**who))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60), st.floats(1, 500))
def test_frames_come_back_from_their_bouts(rows: list[tuple[bool, bool]], fps: float) -> None:
    frames, times = np.array(rows), np.arange(len(rows)) / fps
    table = bouts_of(frames, times, ["rear", "groom"], individual="a")
    pd.testing.assert_frame_equal(table, check_bouts(table))
    np.testing.assert_array_equal(frames_of(table, times, ["rear", "groom"]), frames)
    rounded = table.round({"start_s": 3, "end_s": 3})  # as files have them
    if fps < 400:
        np.testing.assert_array_equal(frames_of(rounded, times, ["rear", "groom"]), frames)


def test_frames_of_a_camera_with_a_varying_rate() -> None:
    times = np.array([0.0, 0.1, 0.5, 0.6])
    table = bouts((0.1, 0.5, "rear"))
    assert frames_of(table, times)[:, 0].tolist() == [False, True, False, False]


def test_an_event_without_duration_holds_in_the_frame_shown() -> None:
    held = frames_of(bouts((0.29, 0.29, "bite")), np.arange(5) / 10)
    assert held[:, 0].tolist() == [False, False, True, False, False]


def test_labels_outside_the_recording_are_in_no_frame() -> None:
    assert not frames_of(bouts((9, 12, "rear")), np.arange(5) / 10).any()
    with pytest.warns(UserWarning, match=r"1 of 2 bouts end after the recording, which lasts 0.50 s"):
        kept = within(bouts((0.1, 0.2, "rear"), (0.4, 12, "groom")), 0.5)
    assert kept["end_s"].tolist() == [0.2, 0.5]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ((3.0, 2.0, "rear"), "row 7: 'rear' lasts from 3.0 to 2.0 s"),
        ((-1.0, 2.0, "rear"), "row 7: 'rear' lasts from -1.0 to 2.0 s"),
        ((1.0, float("nan"), "rear"), "row 7: 'rear' lasts from 1.0 to nan"),
        ((1.0, 2.0, ""), "row 7: no label for 1.0 to 2.0 s"),
    ],
)
def test_a_wrong_bout_is_named_by_its_row(row: tuple[float, float, str], said: str) -> None:
    table = pd.DataFrame([(0.0, 0.5, "rear"), row], columns=["start_s", "end_s", "label"])
    with pytest.raises(FormatError, match=said.replace("(", r"\(")):
        check_bouts(table, source="mine.csv", places=["row 6", "row 7"])
    with pytest.raises(InputError, match="row 1"):
        check_bouts(table)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InputError, match="no column label among start_s, end_s"):
        check_bouts(pd.DataFrame({"start_s": [0.0], "end_s": [1.0]}))


def test_overlapping_bouts_are_joined_and_named() -> None:
    with pytest.warns(UserWarning, match=r"1 bout overlap .*row 1 \('rear' from 0.5 s\)"):
        table = bouts((0, 1, "rear"), (0.5, 2, "rear"), (0.5, 3, "groom"))
    assert table[["start_s", "end_s", "label"]].to_numpy().tolist() == [[0, 2, "rear"], [0.5, 3, "groom"]]


def test_bouts_that_touch_stay_two() -> None:
    assert len(bouts((0, 1, "rear"), (1, 2, "rear"))) == 2


def test_bouts_of_two_animals_do_not_overlap() -> None:
    table = pd.DataFrame(
        {
            "start_s": [0, 0.5],
            "end_s": [1, 2],
            "label": "rear",
            "individual": ["a", "b"],
            "target": ["b", None],
        }
    )
    table = check_bouts(table)
    assert table.columns.tolist() == list(COLUMNS)
    assert of_animal(table, "a")["end_s"].tolist() == [1]
    assert of_animal(table, "a", "c").empty and len(of_animal(table, "b", "a")) == 1


def test_gaps_are_filled_and_short_bouts_dropped() -> None:
    table = bouts((0, 1, "rear"), (1.1, 2, "rear"), (1.05, 1.1, "groom"))
    assert fill_gaps(table, 0.1)[["start_s", "end_s"]].to_numpy().tolist() == [[0, 2], [1.05, 1.1]]
    assert drop_short(table, 0.5)["label"].tolist() == ["rear", "rear"]


def test_a_shift_cuts_off_what_lies_before_frame_0() -> None:
    moved = shifted(bouts((0, 1, "rear"), (1.5, 2, "rear")), -1.25)
    assert moved[["start_s", "end_s"]].to_numpy().tolist() == [[0.25, 0.75]]
    assert shifted(bouts((0, 1, "rear")), -0.5)[["start_s", "end_s"]].to_numpy().tolist() == [[0, 0.5]]


def test_the_shape_of_frames_is_checked() -> None:
    with pytest.raises(InputError, match=r"expected \(3, 1\)"):
        bouts_of(np.zeros((3, 2), bool), np.arange(3.0), ["rear"])
    with pytest.raises(InputError, match="time goes from 1 s to 1 s"):
        frames_of(bouts((0, 1, "rear")), np.array([0.0, 1.0, 1.0]))
