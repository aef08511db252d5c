"""The whole call, its files, the command line, and a model on images of different sizes."""

from __future__ import annotations

import csv
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from superanimal.cli import build_app
from superanimal.errors import FormatError, InputError, NotFoundError
from superanimal.evaluation import evaluate
from superanimal.formats import save_poses
from superanimal.labels.images import ImageRef

MOUSE = ["snout", "leftear", "rightear", "tailbase"]
SPACE = ["nose", "left_ear", "right_ear", "tail_base"]
DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def mice() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels (12, 1, 4, 2), predictions 3 px off in a known direction, confidence."""
    rng = np.random.default_rng(3)
    body = np.array([[60, 30], [50, 22], [50, 38], [10, 30]], float)
    truth = np.rint(body + rng.uniform(0, 20, (12, 1, 1, 2)))
    sure = rng.uniform(0.5, 1, (12, 1, 4))
    return truth, truth + [3, 0], sure


def test_known_error_comes_out(labels_of, poses_of, mice) -> None:
    truth, predicted, sure = mice
    result = evaluate(poses_of(predicted, SPACE, sure), labels_of(truth, MOUSE), samples=20)
    assert result["mean_euclidean_px"] == pytest.approx(3)
    assert result["root_mean_square_px"] == pytest.approx(3)
    assert result["p95_animal"] == pytest.approx(3 / np.hypot(50, 0), abs=1e-6)
    assert result["left_right_swaps"] == 0
    assert result.facts["keypoint_map"] == dict(zip(MOUSE, SPACE, strict=True))
    assert result.facts["sigmas"]["snout"] == 0.1
    assert result.facts["left_right_pairs"] == [["leftear", "rightear"]]
    assert [row["mean_offset_x_px"] for row in result.keypoints] == pytest.approx([3] * 4)
    assert "normalised_error" not in result.figures


def test_a_label_outside_its_image_is_named_and_not_scored(labels_of, poses_of, mice) -> None:
    truth, predicted, sure = mice
    images = [ImageRef(f"clips/one/img{i:03d}.png", width=100, height=80) for i in range(12)]
    truth[4, 0, 1] = 1e9
    result = evaluate(poses_of(predicted, SPACE, sure), labels_of(truth, MOUSE, images=images), samples=0)
    assert result["mean_euclidean_px"] == pytest.approx(3)
    assert result.facts["labelled_keypoints"] == 12 * 4 - 1
    assert "leftear at (1e+09, 1e+09) in clips/one/img004.png" in result.facts["warnings"][0]


def test_perfect_predictions_have_full_precision(labels_of, poses_of, mice) -> None:
    truth, _, sure = mice
    result = evaluate(poses_of(truth, SPACE, sure), labels_of(truth, MOUSE), samples=10)
    assert [result[name] for name in ("AP", "AR", "PCK@0.05")] == [1, 1, 1]
    assert result["mean_euclidean_px"] == 0


def test_groups_add_up(labels_of, poses_of, mice) -> None:
    truth, predicted, sure = mice
    predicted = predicted + np.repeat([0, 7], 6)[:, None, None, None] * [1, 0]
    labels = labels_of(truth, MOUSE, video=["x"] * 6 + ["y"] * 6, source=["lab"] * 3 + ["other"] * 9)
    result = evaluate(poses_of(predicted, SPACE, sure), labels, samples=20)
    videos, sources = result.groups["video"], result.groups["source"]
    assert {name: float(of["mean_euclidean_px"].value) for name, of in videos.items()} == {
        "x": pytest.approx(3),
        "y": pytest.approx(10),
    }
    assert float(sources["other"]["mean_euclidean_px"].value) == pytest.approx((3 * 3 + 6 * 10) / 9)
    assert result["mean_euclidean_px"] == pytest.approx(6.5)


def test_normalised_error_of_horses(labels_of, poses_of) -> None:
    names = ["Nose", "Eye", "Wither"]
    truth = np.array([[[[0, 0], [0, 20], [100, 0]]]] * 3, float)
    result = evaluate(poses_of(truth + [4, 0], names), labels_of(truth, names), samples=0)
    assert result["normalised_error"] == pytest.approx(0.2)
    assert np.isnan(result.figures["AP"].low)
    assert any("sigma 0.1" in text for text in result.facts["warnings"])
    other = evaluate(
        poses_of(truth + [4, 0], names), labels_of(truth, names), samples=0, reference=("Nose", "Wither")
    )
    assert other["normalised_error"] == pytest.approx(0.04)


def test_choices_that_make_no_sense(labels_of, poses_of, mice) -> None:
    truth, predicted, _ = mice
    labels, poses = labels_of(truth, MOUSE), poses_of(predicted, SPACE)
    for options, text in (
        ({"draw": "animal"}, "images or videos"),
        ({"cutoff": 1.5}, "cutoff 1.5"),
        ({"reference": ("snout", "eye")}, "'eye'"),
        ({"samples": -1}, "-1 bootstrap samples"),
        ({"box_margin": -2.0}, "box margin -2"),
        ({"boxes": "labels"}, "boxes given with existing predictions"),
    ):
        with pytest.raises(InputError, match=text):
            evaluate(poses, labels, **{"samples": 0, **options})
    with pytest.raises(FormatError, match="no such pose file"):
        evaluate("results/none.h5", labels)
    with pytest.raises(NotFoundError, match="mini_topviewmose"):
        evaluate("mini_topviewmose", labels)


def test_files(labels_of, poses_of, mice, tmp_path: Path) -> None:
    truth, predicted, sure = mice
    predicted[4, 0, 1] = np.nan
    for i in range(12):
        cv2.imwrite(str(tmp_path / f"img{i:03d}.png"), np.full((80, 100, 3), 90, np.uint8))
    refs = [ImageRef(str(tmp_path / f"img{i:03d}.png")) for i in range(11)] + [ImageRef("<gone>/img011.png")]
    images = [image.path for image in refs]
    labels = labels_of(truth, MOUSE, images=refs, video=["x"] * 6 + ["<y>"] * 6, name="<mice>")
    result = evaluate(poses_of(predicted, SPACE, sure, images=images), labels, samples=10)
    files = {path.name: path for path in result.save(tmp_path / "out")}
    assert sorted(files) == [
        "evaluation.json", "figures.csv", "groups.csv", "images.csv", "keypoints.csv", "report.html",
    ]  # fmt: skip
    document = json.loads(files["evaluation.json"].read_text())
    assert document["figures"]["mean_euclidean_px"]["value"] == pytest.approx(3)
    assert len(document["curves"]["PCK"]["value"]) == len(document["curves"]["PCK"]["at"]) == 51
    rows = list(csv.DictReader(files["keypoints.csv"].open()))
    assert [row["keypoint"] for row in rows] == MOUSE
    assert (rows[1]["labelled"], rows[1]["predicted"]) == ("12", "11")
    assert len(list(csv.DictReader(files["images.csv"].open()))) == 12
    page = files["report.html"].read_text()
    assert not re.search(r"(src|href)=['\"](?!data:|#)", page)
    assert "<mice>" not in page and "&lt;mice&gt;" in page
    assert "<y>" not in page and "&lt;y&gt;" in page
    assert page.count("<figure>") == 12
    assert page.count("image not found") == 1
    assert "1 missed keypoint" in page


def test_the_drawing_shows_label_and_prediction_where_they_are(labels_of, poses_of, tmp_path: Path) -> None:
    from superanimal.evaluation.worst import draw_image
    from superanimal.video.close_up import SIDE

    path = tmp_path / "img0.png"
    cv2.imwrite(str(path), np.zeros((100, 100, 3), np.uint8))
    truth, predicted = np.array([[[[20, 20], [80, 80]]]], float), np.array([[[[20, 20], [80, 50]]]], float)
    labels = labels_of(truth, ["a", "b"], images=[ImageRef(str(path))])
    result = evaluate(poses_of(predicted, ["a", "b"], images=[str(path)]), labels, samples=0)
    picture, has_pixels = draw_image(labels, result.cases, result.pairs, 0, ["#ff0000", "#00ff00"])
    assert has_pixels and picture.shape == (SIDE, SIDE, 3)
    scale = SIDE / 90  # 60 px of points and a quarter on either side, centred at (50, 50)

    def at(x: float, y: float) -> list[int]:
        row, column = (round((v - 5 + 0.5) * scale - 0.5) for v in (y, x))
        return picture[row, column].tolist()

    assert at(20, 20)[0] > 200 and at(20, 20)[1] < 60  # red dot
    assert at(80, 50)[1] > 200  # green dot, 30 px above its ring
    assert at(80, 65)[1] > 150  # the line between
    assert at(80, 80)[1] < 200  # inside of the ring, where the line ends


def test_command_line(labels_of, poses_of, mice, tmp_path: Path, monkeypatch, capsys) -> None:
    truth, predicted, sure = mice
    monkeypatch.chdir(tmp_path)
    images = [f"labeled-data/m/img{i:03d}.png" for i in range(12)]
    save_poses(poses_of(truth, MOUSE, images=images), "labeled-data/m/CollectedData_me.h5")
    save_poses(
        poses_of(predicted, SPACE, sure, images=None, video_path="m.mp4"), "m_model.nc", format="movement"
    )
    arguments = [
        "evaluate",
        "m_model.nc",
        "labeled-data/m/CollectedData_me.h5",
        "--samples",
        "10",
        "--out",
        "o",
    ]
    build_app()(arguments, standalone_mode=False)
    shown = capsys.readouterr().out
    assert re.search(r"root mean square distance +3 +px", shown)
    assert (tmp_path / "o" / "report.html").is_file()
    with pytest.raises(InputError, match="a,b"):
        build_app()([*arguments, "--reference", "snout"], standalone_mode=False)


def blobs() -> ModuleType:
    """The world of coloured dots of the inference tests."""
    path = Path(__file__).parents[1] / "support" / "blobs.py"
    spec = importlib.util.spec_from_file_location("evaluate_blobs", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("boxes", ["detector", "labels"])
def test_a_model_on_images_of_different_sizes(labels_of, tmp_path: Path, boxes: str) -> None:
    world = blobs()
    truth = world.walk(4, seed=2, animals=2)
    truth[1, 1] = np.nan
    refs = []
    for i, points in enumerate(truth):
        frame = world.draw(points)
        frame = np.pad(frame, ((0, 30 * (i % 2)), (0, 10 * i), (0, 0)), constant_values=world.GREY)
        refs.append(ImageRef(str(tmp_path / f"{i}.png")))
        cv2.imwrite(refs[-1].path, frame[..., ::-1])
    labels = labels_of(truth, list(world.KEYPOINTS), images=refs)
    options = {"detector": world.BlobDetector()} if boxes == "detector" else {}
    result = evaluate(world.BlobPose(), labels, samples=0, boxes=boxes, device="cpu", **options)
    assert result["p95_px"] < 0.6
    assert (result["missed_animals"], result["extra_animals"]) == (0, 0)
    assert result.facts["predictions"][0]["model"] == "blobs"
    assert not result.videos


@pytest.mark.skipif(not (DATA / "dlc-openfield").is_dir(), reason="shared/data/dlc-openfield is not here")
def test_a_deeplabcut_project_scored_against_itself() -> None:
    from superanimal.formats import load_poses

    project = DATA / "dlc-openfield"
    poses = load_poses(project / "labeled-data" / "m4s1" / "CollectedData_Pranav.h5")
    result = evaluate(poses, project, samples=10)
    assert result.facts["labels"]["images"] == 96
    assert result["AP"] == 1
    assert result["mean_euclidean_px"] == pytest.approx(0, abs=1e-4)
