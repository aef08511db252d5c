from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import h5py
import pandas as pd
import pynwb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superanimal.behavior import check_bouts, read_annotations, write_annotations
from superanimal.errors import InputError, NotFoundError

NAMES = st.text("abcdefgh ,;é\"'", min_size=1, max_size=8).filter(lambda name: name.strip())


def tables(who: st.SearchStrategy[str]) -> st.SearchStrategy[pd.DataFrame]:
    """Bouts that follow each other, so that no two of one kind overlap."""
    row = st.tuples(st.integers(0, 400), st.integers(1, 400), NAMES, who)

    def build(rows: list[tuple[int, int, str, str]]) -> pd.DataFrame:
        found, at = [], 0
        for gap, length, label, name in rows:
            found.append((at + gap, at + gap + length, label.strip(), name.strip()))
            at += gap + length
        table = pd.DataFrame(found, columns=["start_s", "end_s", "label", "individual"])
        return check_bouts(table.assign(start_s=table["start_s"] / 40, end_s=table["end_s"] / 40))

    return st.lists(row, min_size=1, max_size=8).map(build)


@pytest.mark.parametrize("suffix", [".csv", ".boris", ".tsv"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(bouts=tables(st.just("") | NAMES))
def test_bouts_come_back(tmp_path: Path, suffix: str, bouts: pd.DataFrame) -> None:
    path = write_annotations(bouts, tmp_path / f"b{suffix}", video="day1.mp4", fps=40)
    pd.testing.assert_frame_equal(read_annotations(path), bouts)


def test_a_project_for_boris(tmp_path: Path) -> None:
    bouts = check_bouts(pd.DataFrame({"start_s": [1.0, 2.0], "end_s": [1.5, 2.0], "label": ["rear", "bite"]}))
    document = json.loads(
        write_annotations(bouts, tmp_path / "p.boris", video="/v/d.mp4", fps=30).read_text()
    )
    assert {b["code"]: b["type"] for b in document["behaviors_conf"].values()} == {
        "bite": "Point event", "rear": "State event",
    }  # fmt: skip
    observation = document["observations"]["d"]
    assert observation["file"]["1"] == ["/v/d.mp4"]
    assert [event[0] for event in observation["events"]] == [1.0, 1.5, 2.0]


def test_nwb_keeps_raters_targets_and_events(tmp_path: Path) -> None:
    bouts = check_bouts(
        pd.DataFrame(
            {
                "start_s": [0.5, 0.7, 2.0],
                "end_s": [1.1, 1.5, 2.0],
                "label": ["rear", "rear", "bite"],
                "individual": "a",
                "target": ["", "", "b"],
                "rater": ["x", "y", "x"],
            }
        )
    )
    path = write_annotations(bouts, tmp_path / "b.nwb", video="d.mp4")
    pd.testing.assert_frame_equal(read_annotations(path), bouts)
    with pynwb.NWBHDF5IO(str(path), "r") as file:
        nwb = file.read()
        assert nwb.subject.subject_id == "a"
        assert pynwb.validate(io=file) == []
    with h5py.File(path) as hdf5:
        assert not [name for name in hdf5["specifications"] if "ethogram" in name]


def test_tables_of_ndx_ethogram_are_read(tmp_path: Path) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    nwb = pynwb.NWBFile(session_description="x", identifier="x", session_start_time=start)
    table = pynwb.epoch.TimeIntervals(name="EthogramBouts", description="as that extension writes them")
    table.add_column("label", "what")
    table.add_row(start_time=0.5, stop_time=1.0, label="rear")
    nwb.create_processing_module("behavior", "x").add(table)
    with pynwb.NWBHDF5IO(str(tmp_path / "b.nwb"), "w") as file:
        file.write(nwb)
    assert read_annotations(tmp_path / "b.nwb")[["start_s", "end_s", "label"]].values.tolist() == [
        [0.5, 1.0, "rear"]
    ]


def test_no_bouts_at_all_are_no_file_that_cannot_be_read(tmp_path: Path) -> None:
    nothing = check_bouts(pd.DataFrame({"start_s": [], "end_s": [], "label": []}))
    path = write_annotations(nothing, tmp_path / "b.nwb")
    assert read_annotations(path).empty


def test_boris_has_one_bout_of_a_behaviour_at_a_time(tmp_path: Path) -> None:
    bouts = pd.DataFrame({"start_s": [0, 0.5], "end_s": [1, 2], "label": "rear", "rater": ["x", "y"]})
    with pytest.raises(InputError, match=r"two bouts of 'rear' overlap at 0\.50 s"):
        write_annotations(bouts, tmp_path / "b.boris")
    assert not list(tmp_path.iterdir())


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    bouts = pd.DataFrame({"start_s": [0.0], "end_s": [1.0], "label": "rear"})
    with pytest.raises(InputError, match=r"unknown kind of file '\.doc'"):
        write_annotations(bouts, tmp_path / "b.doc")
    with pytest.raises(NotFoundError, match="unknown format of annotations 'excel'"):
        write_annotations(bouts, tmp_path / "b.csv", "excel")  # type: ignore[arg-type]
