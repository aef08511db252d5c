from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from walks import poses_of

from superanimal.errors import InputError
from superanimal.formats import load_poses
from superanimal.gait import GaitResult, analyze, exclude
from superanimal.gait.analysis import joined, tabulate
from superanimal.gait.exclusion import EXCLUDED
from superanimal.gait.result import FURTHER, TABLES
from superanimal.samples import sample_path
from superanimal.synth.gaits import generate


@pytest.fixture(scope="module")
def result() -> GaitResult:
    poses = poses_of(generate("walk", fps=60, noise=0.5, strides=6))
    return analyze(poses)


def test_nothing_left_out_changes_nothing(result: GaitResult) -> None:
    same = exclude(result, [])
    for name in (*TABLES, *FURTHER):
        pd.testing.assert_frame_equal(getattr(same, name), getattr(result, name))


def test_a_stride_left_out_counts_nowhere(result: GaitResult) -> None:
    kept = result.strides["refused"] == ""
    row = int(result.strides.index[(result.strides["limb"] == "left_hind") & kept][0])
    less = exclude(result, [row])
    stride = result.strides.iloc[row]
    assert stride["refused"] == "" and less.strides["refused"].iloc[row] == EXCLUDED
    gone = (result.phases["reference"] == "left_hind") & (result.phases["start_s"] == stride["start_s"])
    assert len(less.phases) == len(result.phases) - gone.sum() < len(result.phases)
    before, after = (each.summary.set_index("limb").loc["left_hind"] for each in (result, less))
    assert after["kept"] == before["kept"] - 1 and after["strides"] == before["strides"]
    left = less.strides[(less.strides["limb"] == "left_hind") & (less.strides["refused"] == "")]
    assert after["duration_s"] == left["duration_s"].median() and after["ground"] == before["ground"]
    hind = less.symmetry[(less.symmetry["pair"] == "hind") & (less.symmetry["measure"] == "duration_s")]
    assert hind["strides_left"].item() == len(left) and hind["left"].item() == left["duration_s"].mean()


def test_joint_angles_follow() -> None:
    poses = load_poses(sample_path("sideview_horse_truth.h5"))
    result = analyze(poses)
    row = int(result.strides.index[result.strides["limb"] == "left_fore"][0])
    less = exclude(result, [row])
    before, after = (each.joints.set_index("joint")["strides"] for each in (result, less))
    own = result.joints.set_index("joint")["limb"] == "left_fore"
    assert own.any() and (after == before - own).all()


def test_a_refused_stride_keeps_its_reason_and_others_do_not_exist(result: GaitResult) -> None:
    found = result.found
    assert found is not None
    first = found.animals[0]
    strides = [replace(first.strides[0], refused="turning"), *first.strides[1:]]
    turned = tabulate(replace(found, animals=[replace(first, strides=strides)]))
    assert exclude(turned, [0]).strides["refused"].iloc[0] == "turning"
    with pytest.raises(InputError, match="no stride 999"):
        exclude(result, [999])
    with pytest.raises(InputError, match="several files"):
        exclude(joined([result, result]), [0])
