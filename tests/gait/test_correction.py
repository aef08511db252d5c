from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from walks import poses_of

from superanimal.errors import InputError
from superanimal.gait import GaitResult, analyze, correct, exclude
from superanimal.gait.result import FURTHER, TABLES
from superanimal.synth.gaits import generate


@pytest.fixture(scope="module")
def result() -> GaitResult:
    return analyze(poses_of(generate("walk", fps=60, noise=0.5, strides=6)))


def test_the_same_events_change_nothing(result: GaitResult) -> None:
    same = correct(result, result.events)
    for name in (*TABLES, *FURTHER):
        pd.testing.assert_frame_equal(getattr(same, name), getattr(result, name))


def test_a_moved_lift_changes_its_stride_only(result: GaitResult) -> None:
    events = result.events.copy()
    kept = result.strides[result.strides["refused"] == ""]
    stride = kept.iloc[1]
    own = (events["limb"] == stride["limb"]) & (events["time_s"] == stride["lift_s"])
    assert own.sum() == 1
    events.loc[own, "time_s"] += 0.05
    found = correct(result, events)
    before, after = (each.strides.set_index(["limb", "start_s"]) for each in (result, found))
    changed = before["stance_s"] != after["stance_s"]
    assert changed[changed].index.tolist() == [(stride["limb"], stride["start_s"])]
    key = (stride["limb"], stride["start_s"])
    assert after.loc[key, "stance_s"] == pytest.approx(before.loc[key, "stance_s"] + 0.05)
    confidence = found.events["confidence"][found.events["deviation_s"] == 0]
    assert confidence.tolist() == [1.0]  # the others keep theirs
    assert found.facts["detector"] == "contact, corrected by hand"
    assert correct(found, events).facts["detector"] == "contact, corrected by hand"


def test_where_nothing_is_known_stays_so() -> None:
    poses = poses_of(generate("walk", fps=60, noise=0.5, strides=6))
    poses["position"][90:120] = float("nan")
    result = analyze(poses)
    assert len(result.refused)
    same = correct(result, result.events.drop(columns=["confidence", "deviation_s", "frame"]))
    pd.testing.assert_frame_equal(same.refused, result.refused)
    pd.testing.assert_frame_equal(same.strides, result.strides)


def test_a_removed_stance_makes_one_long_stride_and_exclusions_go_on(result: GaitResult) -> None:
    hind = result.events[result.events["limb"] == "left_hind"].sort_values("time_s")
    contacts = hind[hind["event"] == "contact"]
    gone = contacts.index[2]
    lift = hind.index[hind["time_s"] > contacts["time_s"].iloc[2]][0]
    found = correct(result, result.events.drop(index=[gone, lift]))
    count = [(each.strides["limb"] == "left_hind").sum() for each in (result, found)]
    assert count[1] == count[0] - 1
    assert len(exclude(found, [0]).strides) == len(found.strides)


def test_faults_are_told(result: GaitResult) -> None:
    with pytest.raises(InputError, match="the events are of tail"):
        correct(result, result.events.assign(limb="tail"))
    with pytest.raises(InputError, match="several files"):
        correct(replace(result, found=None), result.events)
