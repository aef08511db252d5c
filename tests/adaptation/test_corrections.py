from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from superanimal.adaptation.adapt import _completed, _split, recipe_of
from superanimal.adaptation.corrections import SOURCE, read_corrections
from superanimal.errors import InputError
from superanimal.formats import load_poses, save_poses
from superanimal.labels.images import ImageRef
from superanimal.labels.labelled_set import UNDEFINED, VISIBLE, LabelledSet
from superanimal.poses import make_poses
from superanimal.progress import Progress
from superanimal.samples import sample_path
from superanimal.zoo import PoseModel, load_model

VIDEO = Path(sample_path("topview_mouse.mp4"))


@pytest.fixture(scope="module")
def mouse() -> PoseModel:
    return load_model("mini_topviewmouse")


@pytest.fixture
def poses(mouse: PoseModel) -> xr.Dataset:
    """Four frames; in frame 11 one point was moved and one deleted, in frame 13 one moved."""
    shape = (4, len(mouse.keypoints), 1)
    position = np.random.default_rng(0).uniform(20, 90, (4, 2, *shape[1:]))
    confidence = np.full(shape, 0.9)
    confidence[:, 5] = 0.1
    edited = np.zeros(shape, bool)
    edited[1, 0], edited[1, 1], edited[3, 5] = True, True, True
    position[1, :, 1] = np.nan
    return make_poses(
        position, confidence, keypoints=mouse.keypoints, frames=[10, 11, 12, 13], edited=edited,
        video_path=str(VIDEO),
    )  # fmt: skip


def test_edited_frames_become_labels(mouse: PoseModel, poses: xr.Dataset, tmp_path: Path) -> None:
    saved = save_poses(poses, tmp_path / "corrected.nc")[0]
    for given in (poses, saved):
        labels, weights = read_corrections(given, mouse, [VIDEO])
        assert [image.frame for image in labels.images] == [11, 13]
        assert labels.visibility[0, :6].tolist() == [2, 0, 2, 2, 2, -1]  # 5: unsure and not looked at
        assert labels.visibility[1, 5] == 2
        assert weights[0, 0] == weights[1, 5] == 1.0
        assert weights[0, 2] == pytest.approx(0.9)
        assert set(labels.source) == {SOURCE}
        assert np.isfinite(labels.boxes).all()


def test_what_is_no_correction_is_refused(mouse: PoseModel, poses: xr.Dataset) -> None:
    with pytest.raises(InputError, match="no point was edited"):
        read_corrections(poses.drop_vars("edited"), mouse, [VIDEO])
    with pytest.raises(InputError, match="the keypoints are not those of mini_topviewmouse"):
        read_corrections(poses.isel(keypoint=slice(0, 5)), mouse, [VIDEO])
    with pytest.raises(InputError, match=r"is of the video topview_mouse\.mp4"):
        read_corrections(poses, mouse, [Path("/somewhere/else.mp4")])


def test_what_the_person_said_nothing_about_is_remembered(mouse: PoseModel, tmp_path: Path) -> None:
    """Corrected points stay as they are; the model's own labels of other frames teach nothing."""
    truth = load_poses(sample_path("topview_mouse_truth.h5")).isel(individual=0)
    xy = truth["position"].transpose("time", "keypoint", "space").values[[40, 160]].astype(np.float32)
    visibility = np.full(xy.shape[:2], UNDEFINED, np.int8)
    said = np.isin(mouse.keypoints, ["nose", "left_ear", "right_ear", "tail_base", "tail3"])
    visibility[:, said] = VISIBLE
    given = np.where(visibility[..., None] > 0, xy + 3, np.nan).astype(np.float32)
    images = [ImageRef(str(VIDEO), frame=frame) for frame in (40, 160)]
    labels = LabelledSet("corrections", mouse.keypoints, images, np.arange(2), given, visibility)
    corrected = _split((labels, np.ones(visibility.shape)))
    learned = _completed(corrected.train, mouse, tmp_path / "looks.npz", Progress())
    np.testing.assert_array_equal(learned.labels.xy[:, said], given[:, said])
    filled = learned.labels.visibility[:, ~said] == VISIBLE
    assert len(learned.labels) == 2 and filled.mean() > 0.5
    assert np.linalg.norm(learned.labels.xy[:, ~said][filled] - xy[:, ~said][filled], axis=-1).max() < 15
    plain, recipe = (recipe_of(mouse, each, 200, 0, "cpu") for each in (None, corrected))
    assert recipe.lr > plain.lr and recipe.augmentation.scale[0] < plain.augmentation.scale[0]
