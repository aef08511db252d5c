"""Whose points are these: predictions, labels of several videos, exports with gaps."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from labelsets import make_set, write_images

from superanimal.errors import FormatError, InputError
from superanimal.formats import save_poses
from superanimal.keypoints.convert import convert
from superanimal.labels import materialize, read_labels
from superanimal.poses import make_poses

LABELS = """scorer,AB,AB,AB,AB
bodyparts,nose,nose,tail,tail
coords,x,y,x,y
labeled-data/vidB/img00012.png,51,51,61,61
labeled-data/vidA/img00007.png,7,7,107,107
labeled-data/vidA/img00003.png,3,3,103,103
labeled-data/vidB/img00010.png,50,50,60,60
"""


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    position = np.arange(16, dtype=np.float32).reshape(4, 2, 2, 1) + 1
    confidence = np.array([[0.9, 0.8], [0.7, 0.1], [0.2, 0.1], [0.9, 0.9]], np.float32)[..., None]
    save_poses(make_poses(position, confidence, keypoints=["nose", "tail"]), tmp_path / "v.h5")
    return tmp_path / "v.h5"


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "vidA.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (32, 24))
    for _ in range(12):
        writer.write(np.zeros((24, 32, 3), np.uint8))
    writer.release()
    return path


def test_predictions_are_no_labels_unless_asked_for(tmp_path: Path, predictions: Path, video: Path) -> None:
    read = read_labels(predictions)
    assert read.predicted
    assert "8 points are model predictions" in read.notes[0]
    with pytest.raises(InputError, match=r"model predictions.*min_confidence"):
        convert(predictions, tmp_path / "out")
    with pytest.raises(InputError, match="model predictions"):
        convert(read, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    reading = {"min_confidence": 0.5, "video": video}
    done = convert(predictions, tmp_path / "out", reading=reading)
    assert done.merged.labelled.visibility.tolist() == [[2, 2], [2, 0], [2, 2]]  # the third animal is gone
    assert "5 of 8 predicted points" in done.merged.labelled.notes[0]
    with pytest.raises(InputError, match="min_confidence is 2"):
        read_labels(predictions, min_confidence=2)


def test_predictions_that_went_through_coco_stay_predictions(tmp_path: Path, predictions: Path) -> None:
    from superanimal.formats import load_poses

    ds = load_poses(predictions).assign_coords(image=("time", [f"{i}.png" for i in range(4)]))
    save_poses(ds, tmp_path / "v.json", "coco")
    assert read_labels(tmp_path / "v.json").predicted
    assert read_labels(tmp_path / "v.json", min_confidence=0.5).visibility.sum() == 10


def test_edited_points_count_as_a_persons(tmp_path: Path) -> None:
    edited = np.ones((2, 1, 1), bool)
    ds = make_poses(np.ones((2, 2, 1, 1)), np.full((2, 1, 1), 0.5), keypoints=["nose"], edited=edited)
    save_poses(ds, tmp_path / "v.h5")
    assert not read_labels(tmp_path / "v.h5").predicted


def test_video_takes_its_own_labels_on_the_frames_of_the_names(tmp_path: Path, video: Path) -> None:
    table = tmp_path / "CollectedData_AB.csv"
    table.write_text(LABELS)
    got = read_labels(table, video=video)
    assert [image.frame for image in got.images] == [3, 7]
    assert got.xy[got.image_index.argsort(), 0].tolist() == [[3, 3], [7, 7]]
    assert "labels of other videos are left out: vidB" in got.notes
    other = video.rename(tmp_path / "vidC.avi")
    with pytest.raises(InputError, match="videos vidB, vidA, none of vidC"):
        read_labels(table, video=other)
    table.write_text("\n".join(LABELS.splitlines()[:3] + ["labeled-data/vidC/first.png,1,1,2,2"]))
    with pytest.raises(InputError, match="does not end with a number"):
        read_labels(table, video=other)


def test_video_of_a_tidy_table_with_images(tmp_path: Path, video: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("image,keypoint,x,y\nvidA/i7.png,nose,7,7\nvidB/i2.png,nose,2,2\nvidA/i3.png,nose,3,3\n")
    got = read_labels(table, video=video)
    assert [image.frame for image in got.images] == [3, 7]
    assert got.xy[got.image_index.argsort(), 0].tolist() == [[3, 3], [7, 7]]


def label_studio(folder: Path, regions: list[dict], size: bool = True) -> Path:
    write_images(folder, 1, size=(64, 48))
    sized = {"original_width": 64, "original_height": 48} if size else {}
    result = [{"id": f"r{n}", **sized, **region} for n, region in enumerate(regions)]
    task = {"id": 1, "data": {"image": "/data/upload/img000.png"}, "annotations": [{"result": result}]}
    path = folder / "export.json"
    path.write_text(json.dumps([task]))
    return path


NOSE = {"type": "keypointlabels", "value": {"x": 50, "y": 50, "keypointlabels": ["nose"]}}


def test_label_studio_measures_the_image_when_the_size_is_missing(tmp_path: Path) -> None:
    path = label_studio(tmp_path, [NOSE], size=False)
    assert read_labels(path).xy.tolist() == [[[31.5, 23.5]]]
    (tmp_path / "img000.png").unlink()
    with pytest.raises(FormatError, match="task 1: neither original_width"):
        read_labels(path)


@pytest.mark.parametrize(
    ("region", "note"),
    [
        ({"type": "keypointlabels", "value": {"x": 5, "keypointlabels": ["tail"]}}, "without a place"),
        ({"type": "keypointlabels", "value": {"x": 5, "y": 5}}, "without a name"),
        ({"type": "rectanglelabels"}, "rectangle without a place"),
        ({"type": "relation"}, "relation without its two ends"),
    ],
)
def test_label_studio_leaves_out_what_has_no_value_with_a_word(
    tmp_path: Path, region: dict, note: str
) -> None:
    got = read_labels(label_studio(tmp_path, [NOSE, region]))
    assert got.xy.tolist() == [[[31.5, 23.5]]]
    assert note in got.notes[0]


def test_a_csv_that_was_corrected_beside_its_h5_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "labeled-data" / "v"
    write_images(folder, 2)
    ds = make_poses(
        np.ones((2, 2, 1, 1)),
        keypoints=["nose"],
        images=["labeled-data/v/img000.png", "labeled-data/v/img001.png"],
    )
    save_poses(ds, folder / "CollectedData_Eva.h5")
    (tmp_path / "config.yaml").write_bytes("scorer: Eva\nTask: Mäuse\nbodyparts: [nose]\n".encode("cp1252"))
    assert read_labels(tmp_path).notes == ()
    text = (folder / "CollectedData_Eva.csv").read_text()
    (folder / "CollectedData_Eva.csv").write_text(text.replace("1.0,1.0", "7.0,1.0", 1))
    assert "CollectedData_Eva.csv in v differs from CollectedData_Eva.h5" in read_labels(tmp_path).notes[0]


def test_label_studio_box_that_was_turned(tmp_path: Path) -> None:
    value = {"x": 50, "y": 50, "width": 25, "height": 25, "rotation": 90, "rectanglelabels": ["mouse"]}
    got = read_labels(label_studio(tmp_path, [NOSE, {"type": "rectanglelabels", "value": value}]))
    np.testing.assert_allclose(got.boxes, [[32 - 12 - 0.5, 24 - 0.5, 12, 16]], atol=1e-5)  # 16 x 12, turned


@pytest.mark.parametrize(
    ("change", "data", "message"),
    [
        ({"to_name": "b"}, {"a": "a.png", "b": "b.png"}, "regions on several images (a, b)"),
        ({"item_index": 1}, {"image": "a.png"}, "regions on several images (0, 1)"),
        ({"image_rotation": 90}, {"image": "a.png"}, "turned by 90 degrees"),
        ({"original_width": 640}, {"image": "a.png"}, "different sizes"),
        ({"to_name": "a"}, {"front": "a.png", "side": "b.png"}, "several images (front, side)"),
    ],
)
def test_label_studio_refuses_what_is_not_on_one_image(
    tmp_path: Path, change: dict, data: dict, message: str
) -> None:
    tail = {**NOSE, **change, "value": {"x": 1, "y": 1, "keypointlabels": ["tail"]}}
    path = label_studio(tmp_path, [{**NOSE, "to_name": "a"}, {"to_name": "a", **tail}])
    tasks = json.loads(path.read_text())
    path.write_text(json.dumps([{**tasks[0], "data": data}]))
    with pytest.raises(FormatError, match=re.escape(message)):
        read_labels(path)


def test_label_studio_says_which_annotation_counts_and_leaves_out_what_nobody_labelled(
    tmp_path: Path,
) -> None:
    path = label_studio(tmp_path, [NOSE])
    task = json.loads(path.read_text())[0]
    moved = {"result": [{**task["annotations"][0]["result"][0], "value": {**NOSE["value"], "x": 25}}]}
    truth = {**task["annotations"][0], "ground_truth": True, "created_at": "2020"}
    task["annotations"] = [truth, {**moved, "created_at": "2024"}]
    other = {"id": 2, "data": {"image": "other.png"}, "annotations": []}
    again = {**task, "id": 3, "annotations": [moved]}
    path.write_text(json.dumps([task, other, again]))
    got = read_labels(path)
    assert got.xy[:, 0, 0].tolist() == [31.5, 15.5]
    notes = "\n".join(got.notes)
    assert "of 2 annotations the ground truth is read" in notes
    assert "1 of 3 tasks have no labels" in notes and "several tasks have the image" in notes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([{"image_id": 1, "keypoints": [], "score": 1}], "COCO results"),
        ([{"id": 1, "kp": [{"keypointlabels": ["nose"]}]}], "JSON-MIN"),
        ([{"data": {"image": "a.png"}, "annotations": [], "predictions": [{}]}], "1 have predictions"),
        ([{"data": None, "annotations": [{"result": [3]}]}], "task 0: 'data' or 'annotations' is damaged"),
    ],
)
def test_label_studio_says_what_it_is_instead(tmp_path: Path, content: list, message: str) -> None:
    (tmp_path / "x.json").write_text(json.dumps(content))
    with pytest.raises(FormatError, match=message):
        read_labels(tmp_path / "x.json")


def test_reader_that_breaks_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "zarr.json").write_text("{}")
    with pytest.raises(FormatError, match=f"{tmp_path}: .*store"):
        read_labels(tmp_path)


def test_program_errors_pass_the_net() -> None:
    from superanimal.formats.guard import reading

    with pytest.raises(NameError), reading("x", "poses"):
        raise NameError("a fault of ours")
    with (
        pytest.raises(FormatError, match=r"x: damaged, or not poses \(KeyError: 'id'\)"),
        reading("x", "poses"),
    ):
        raise KeyError("id")


def test_deeplabcut_project_has_skeleton_and_real_videos(tmp_path: Path, video: Path) -> None:
    table = tmp_path / "CollectedData_AB.csv"
    table.write_text(LABELS)
    labels = read_labels(table, video=video).with_columns(edges=(("nose", "tail"),))
    done = convert(labels, tmp_path / "out", to="deeplabcut")
    config = yaml.safe_load((tmp_path / "out" / "config.yaml").read_text())
    assert config["skeleton"] == [["nose", "tail"]]
    assert list(config["video_sets"]) == [str(video)]
    assert done.written.notes == ()
    assert read_labels(tmp_path / "out").edges == (("nose", "tail"),)
    unknown = materialize(make_set(tmp_path, name="lab"), tmp_path / "other", "deeplabcut")
    assert "no video is known for lab-video" in unknown.notes[0]
