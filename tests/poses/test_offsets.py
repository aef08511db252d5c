"""Offsets move what they should, leave the rest alone, and refuse poses they are not for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from superanimal.errors import FormatError, InputError, NotFoundError
from superanimal.poses import get_provenance, make_poses
from superanimal.poses.animal_frame import Shape
from superanimal.poses.offsets import Offsets, load_offsets

NAMES = ("nose", "left_ear", "right_ear", "neck", "tail_base")
BODY = np.array([[0.5, 0], [0.3, 0.15], [0.3, -0.15], [0.1, 0], [-0.5, 0]])
RECORD = {"model": "made-up", "weights": "cd" * 32}


@pytest.fixture
def offsets() -> Offsets:
    """The nose lies 0.1 body lengths further forward, the left ear 0.05 further out; the rest stays."""
    offsets = np.zeros((5, 2))
    offsets[0], offsets[1] = [0.1, 0], [0, 0.05]
    intervals = np.where(
        offsets.any(-1)[:, None, None], np.stack([offsets - 0.01, offsets + 0.01], 1), np.nan
    )
    return Offsets(
        Shape(NAMES, BODY, "tail_base to nose", False),
        offsets,
        intervals,
        {"snout": "nose", "ear": "left_ear", "other": "right_ear"},
        "made-up",
        "cd" * 32,
        {"images": ["a/img0.png"], "gain": {"gain_px": [1.0, 0.5, 1.5]}},
    )


def poses(**more: object) -> xr.Dataset:
    """Two rows of two animals: facing right and 100 px long, facing up and 50 px long; one is absent."""
    right = BODY * [100, -100] + [200, 200]
    up = BODY[:, ::-1] * [-50, -50] + [60, 90]
    position = np.stack([np.stack([right, up]), np.stack([right + 7, np.full((5, 2), np.nan)])])
    confidence = np.where(np.isfinite(position).all(-1), 0.8, np.nan)
    return make_poses(
        position.transpose(0, 3, 2, 1),
        confidence.transpose(0, 2, 1),
        keypoints=NAMES,
        provenance={**RECORD, "action": "analyze"},
        **more,  # type: ignore[arg-type]
    )


def point(ds: xr.Dataset, row: int, keypoint: str, animal: int) -> np.ndarray:
    return ds["position"].isel(time=row, individual=animal).sel(keypoint=keypoint).values


def test_points_move_in_the_animals_own_frame(offsets: Offsets) -> None:
    before = poses()
    after = offsets.apply(before)
    assert point(after, 0, "nose", 0) - point(before, 0, "nose", 0) == pytest.approx([10, 0], abs=1e-3)
    assert point(after, 0, "left_ear", 0) - point(before, 0, "left_ear", 0) == pytest.approx(
        [0, -5], abs=1e-3
    )
    assert point(after, 0, "nose", 1) - point(before, 0, "nose", 1) == pytest.approx([0, -5], abs=1e-3)
    assert point(after, 0, "left_ear", 1) - point(before, 0, "left_ear", 1) == pytest.approx(
        [-2.5, 0], abs=1e-3
    )
    still = ["right_ear", "neck", "tail_base"]
    assert after["position"].sel(keypoint=still).equals(before["position"].sel(keypoint=still))
    assert np.isnan(after["position"].isel(time=1, individual=1)).all()
    assert after["confidence"].equals(before["confidence"])
    assert before.equals(poses())
    assert get_provenance(after)["calibration"] == {
        "digest": offsets.digest, "model": "made-up", "weights": "cd" * 32, "moved": ["nose", "left_ear"],
    }  # fmt: skip
    assert get_provenance(after)["action"] == "analyze"


def test_points_a_person_placed_stay(offsets: Offsets) -> None:
    edited = np.zeros((2, 5, 2), dtype=bool)
    edited[0, 0, 0] = True
    before = poses(edited=edited)
    after = offsets.apply(before)
    assert np.array_equal(point(after, 0, "nose", 0), point(before, 0, "nose", 0))
    assert not np.array_equal(point(after, 0, "left_ear", 0), point(before, 0, "left_ear", 0))


def test_animals_without_a_frame_stay(offsets: Offsets) -> None:
    before = poses()
    before["position"][0, :, 2:, 0] = np.nan
    after = offsets.apply(before)
    assert np.array_equal(point(after, 0, "nose", 0), point(before, 0, "nose", 0))


def test_the_file_gives_the_same_offsets(offsets: Offsets, tmp_path: Path) -> None:
    again = load_offsets(offsets.save(tmp_path / "c.json"))
    assert (again.table, again.facts, again.moved) == (
        offsets.table,
        offsets.facts,
        offsets.moved,
    )
    assert again.digest == offsets.digest
    assert again.apply(poses()).equals(offsets.apply(poses()))
    assert np.array_equal(again.intervals, offsets.intervals, equal_nan=True)
    shape = Shape(NAMES, np.where(BODY == 0.1, np.nan, BODY), "", True)
    unseen = Offsets(shape, offsets.values, offsets.intervals, offsets.table)
    again = load_offsets(unseen.save(tmp_path / "d.json"))
    assert again.shape.mirrored and np.array_equal(again.shape.points, shape.points, equal_nan=True)
    assert again.digest != offsets.digest


def test_files_from_before_the_name_still_open(offsets: Offsets, tmp_path: Path) -> None:
    file = offsets.save(tmp_path / "calibration.json")
    document = json.loads(file.read_text())
    assert document["kind"] == "superanimal-offsets"
    file.write_text(json.dumps(document | {"kind": "superanimal-calibration"}))
    assert load_offsets(file).digest == offsets.digest


def test_poses_they_are_not_for_are_refused(offsets: Offsets) -> None:
    with pytest.raises(InputError, match="already applied"):
        offsets.apply(offsets.apply(poses()))
    other = poses().assign_attrs(provenance=json.dumps({"model": "made-up", "weights": "ef" * 32}))
    with pytest.raises(InputError, match=r"weights cdcdcdcdcdcd.*weights efefefefefef"):
        offsets.apply(other)
    with pytest.raises(InputError, match=r"not the keypoints of the offsets \(neck\)"):
        offsets.apply(poses().drop_sel(keypoint="neck"))
    with pytest.raises(InputError, match="another order"):
        offsets.apply(poses().isel(keypoint=[1, 0, 2, 3, 4]))
    offsets.apply(poses().assign_attrs(provenance="{}"))  # nothing known about the weights


def test_damaged_files_are_named(offsets: Offsets, tmp_path: Path) -> None:
    path = offsets.save(tmp_path / "c.json")
    document = json.loads(path.read_text())
    with pytest.raises(NotFoundError, match=r"none\.json: no such offsets file"):
        load_offsets(tmp_path / "none.json")
    broken = {
        "not a JSON file": path.read_text()[:99],
        "holds no offsets": json.dumps({"kind": "something"}),
        "has version 99": json.dumps(document | {"version": 99}),
        "damaged offsets": json.dumps(document | {"keypoints": {"nose": {}}}),
        "keypoints of the model": json.dumps(document | {"table": {"snout": "snout"}}),
    }
    for text, content in broken.items():
        path.write_text(content)
        with pytest.raises(FormatError, match=text):
            load_offsets(path)
