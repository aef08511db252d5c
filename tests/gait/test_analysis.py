from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from walks import nearest, poses_of

import superanimal
from superanimal.errors import InputError
from superanimal.gait.result import TABLES
from superanimal.poses import make_poses
from superanimal.synth.gaits import generate


@pytest.mark.parametrize("gait", ["walk", "trot", "pace", "canter", "gallop", "bound"])
@pytest.mark.parametrize("leftward", [False, True])
def test_generated_gaits_are_measured(gait: str, leftward: bool) -> None:
    truth = generate(gait, fps=60, noise=0.5, leftward=leftward, strides=6)
    result = superanimal.gait.analyze(poses_of(truth))
    kept = result.strides[result.strides["refused"] == ""]
    assert len(kept) >= 0.9 * len(result.strides) >= 12
    assert set(kept["gait"]) == {gait}
    assert abs(kept["length_px"].median() / truth.stride - 1) < 0.02
    assert (kept["duty_factor"] - truth.duty).abs().median() < 0.03
    for limb, times in truth.contacts.items():
        rows = result.events[(result.events["limb"] == limb) & (result.events["event"] == "contact")]
        assert np.median(nearest(rows["time_s"].to_numpy(), times, truth)) < 1 / 60
    for _, row in result.phases.iterrows():
        true = truth.phases[row["limb"]] - truth.phases[row["reference"]]
        assert abs((row["phase"] - true + 0.5) % 1 - 0.5) < 0.06


@pytest.mark.parametrize("fps", [30, 60])
def test_feet_that_mostly_swing_at_one_speed_are_not_the_ground(fps: float) -> None:
    truth = generate("gallop", fps=fps, noise=0.5, shape="even", strides=6)
    result = superanimal.gait.analyze(poses_of(truth))
    assert set(result.summary["ground"]) == {"still"}
    assert (result.strides["duty_factor"] - truth.duty).abs().median() < 0.03


def test_a_treadmill_gives_the_belt_speed() -> None:
    truth = generate("walk", fps=60, noise=0.5, camera="follow", strides=6)
    summary = superanimal.gait.analyze(poses_of(truth)).summary
    assert set(summary["ground"]) == {"steady"}
    assert summary["belt_speed"].iloc[0] == pytest.approx(truth.stride / truth.period, rel=0.02)


def test_a_camera_that_pans_unsteadily() -> None:
    truth = generate("trot", fps=60, noise=0.5, camera="pan", strides=8)
    result = superanimal.gait.analyze(poses_of(truth))
    assert set(result.summary["ground"]) == {"moving"}
    assert result.summary["length_px"].median() == pytest.approx(truth.stride, rel=0.03)


def test_swaps_and_dropouts() -> None:
    truth = generate("walk", fps=60, noise=0.5, dropouts=0.1, swaps=0.05, strides=6)
    strides = superanimal.gait.analyze(poses_of(truth)).strides
    kept = strides[strides["refused"] == ""]
    assert len(kept) >= 14
    assert set(kept["gait"]) == {"walk"}


def test_one_limb_without_a_trunk_is_enough() -> None:
    truth = generate("walk", fps=60, noise=0.5, limbs=("left_hind",), strides=6)
    poses = poses_of(truth).isel(keypoint=[0])
    result = superanimal.gait.analyze(poses, {"left_hind": "left_hind_paw"})
    assert (result.strides["refused"] == "").sum() >= 4
    assert result.phases.empty
    assert any("only one limb" in note for note in result.notes)


def test_an_animal_that_stands_has_no_stride() -> None:
    rng = np.random.default_rng(0)
    position = 100 + rng.normal(0, 0.3, (200, 2, 2, 1))
    poses = make_poses(position, keypoints=["left_paw", "right_paw"], fps=50)
    result = superanimal.gait.analyze(poses)
    assert (result.strides["refused"] != "").all()
    assert any("no stride is kept in 4.0 s (" in note for note in result.notes)
    poses["confidence"][:] = 0.1
    (note,) = superanimal.gait.analyze(poses).notes
    assert "in part low confidence" in note


def test_a_limb_without_strides_is_named() -> None:
    poses = poses_of(generate("walk", fps=60, noise=0.3, strides=5))
    poses["position"].loc[{"keypoint": "left_hind_paw"}] = np.nan
    result = superanimal.gait.analyze(poses)
    assert result.notes == [
        "animal0: no stride of left_hind is kept (not seen from one contact to its next, in part limb out of "
        "frame)."
    ]
    assert result.summary["phase"].isna().all()  # it is that of the first limb's strides
    assert (result.strides["refused"] == "").sum() >= 9


def test_strides_of_an_animal_that_turns_sharply_are_refused_for_it() -> None:
    truth = generate("walk", fps=60, noise=0.3, strides=6)
    x, y = truth.position[:, 0] - 500, np.where(["left" in name for name in truth.keypoints], -20.0, 20.0)
    radius = 80.0  # a stride is 132 px: it turns by more than 90 degrees, seen from above
    arc = [(radius - y) * np.sin(x / radius), -(radius - y) * np.cos(x / radius)]
    poses = make_poses(np.stack(arc, axis=1)[..., None], keypoints=truth.keypoints, times=truth.time)
    strides = superanimal.gait.analyze(poses).strides
    assert len(strides) >= 12 and (strides["refused"] != "").all()
    assert (strides["refused"] == "turning").mean() > 0.7  # nothing is known before the first ones


def test_time_counts_from_frame_zero() -> None:
    truth = generate("walk", fps=50, strides=4)
    whole = make_poses(truth.position[..., None], keypoints=truth.keypoints)
    later = make_poses(
        truth.position[..., None], keypoints=truth.keypoints, frames=np.arange(len(truth.time)) + 100
    )
    first, second = (superanimal.gait.analyze(each, fps=50).events["time_s"] for each in (whole, later))
    np.testing.assert_allclose(second, first + 2.0, atol=1e-6)
    with pytest.raises(InputError, match=r"do not state a frame rate.*fps="):
        superanimal.gait.analyze(whole)


def test_detectors_behind_one_call() -> None:
    poses = poses_of(generate("walk", fps=60, noise=0.3, strides=5))
    for detector in ("extremes", "height"):
        strides = superanimal.gait.analyze(poses, detector=detector).strides
        assert (strides["refused"] == "").sum() >= 8
    with pytest.raises(InputError, match="did you mean"):
        superanimal.gait.analyze(poses, detector="extreme")  # type: ignore[arg-type]
    for line in ([[0, 500], [0, 600]], [0, 500, 600]):
        with pytest.raises(InputError, match=r"ground line \[.*differ in x"):
            superanimal.gait.analyze(poses, detector="height", ground_line=np.array(line))


def test_tables_report_and_groups(tmp_path: Path) -> None:
    poses = poses_of(generate("walk", fps=60, noise=0.3, strides=4))
    poses.attrs["source_file"] = "a.h5"
    groups = pd.DataFrame({"file": ["a.h5"], "animal": ["Ada"], "group": ["control"]})
    result = superanimal.gait.analyze(poses, groups=groups)
    assert set(result.summary["animal"]) == {"Ada"}
    names = [path.name for path in result.save(tmp_path)]
    tables = [f"{name}.csv" for name in (*TABLES, "coupling", "symmetry", "vertical")]
    assert names == [*tables, "provenance.json"]
    record = json.loads((tmp_path / "provenance.json").read_text())
    assert record["action"] == "gait" and record["software"].startswith("napari-superanimal ")
    assert len(pd.read_csv(tmp_path / "strides.csv")) == len(result.strides)
    page = result.report(tmp_path / "report.html").read_text("utf-8")
    assert "Footfalls" in page and "walk" in page
    with pytest.raises(InputError, match=r"no row for a\.h5"):
        superanimal.gait.analyze(poses, groups=groups.assign(file="b.h5"))
    with pytest.raises(InputError, match="a column 'gait'"):  # before the second file is even looked at
        superanimal.gait.analyze(
            [poses, "none.h5"], groups=pd.DataFrame({"file": ["a.h5", "none.h5"], "gait": 1})
        )


def test_a_hole_in_one_foot_costs_the_hole_only() -> None:
    truth = generate("trot", fps=60, noise=0.3, strides=14)
    poses = poses_of(truth)
    hole = slice(130, 240)  # two strides and a half
    poses["position"].loc[{"keypoint": "left_hind_paw"}][hole] = np.nan
    result = superanimal.gait.analyze(poses)
    kept = result.strides[(result.strides["limb"] == "left_hind") & (result.strides["refused"] == "")]
    before, after = kept["end_s"] < truth.time[130], kept["start_s"] > truth.time[239]
    assert before.sum() >= 2
    assert after.sum() >= 4
    out = result.refused[result.refused["limb"] == "left_hind"]
    assert out["start_s"].min() > truth.time[115]
    assert out["end_s"].max() < truth.time[255]
