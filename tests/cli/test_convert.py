from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from labelsets import make_set, write_images

from superanimal.errors import InputError
from superanimal.formats import load_poses, save_poses
from superanimal.labels import materialize, read_labels
from superanimal.poses import make_poses

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    labelled = make_set(tmp_path, name="lab", keypoints=("snout", "earl", "earr"))
    return materialize(labelled, tmp_path / "lab-coco", "coco", images="copy").path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text("lab,MasterName\nsnout,nose\nearl,left_ear\n")
    return path


def test_convert(superanimal: Call, tmp_path: Path, project: Path, table: Path) -> None:
    dest = tmp_path / "out"
    code, out, _ = superanimal(
        "convert", f"lab={project}", dest, "--space", "topviewmouse", "--table", table, "--to", "deeplabcut"
    )
    assert code == 0
    assert "4 images, 4 animals, 27 keypoints" in out
    assert "note: lab: not mapped and left out: earr" in out
    assert "not held by this format: which keypoints a source does not define" in out
    assert len(read_labels(dest).keypoints) == 27


def test_merge_writes_report_split_and_sheet(
    superanimal: Call, tmp_path: Path, project: Path, table: Path
) -> None:
    two = materialize(make_set(tmp_path, name="two", seed=5), tmp_path / "two-coco", "coco").path
    dest = tmp_path / "all.labels.zarr"
    arguments = [
        "merge",
        f"mouse:lab={project}",
        f"two={two}",
        dest,
        "--space",
        "topviewmouse",
        "--table",
        table,
    ]
    code, out, _ = superanimal(*arguments, "--split-by", "image", "--test", "0.5")
    assert code == 0
    assert "Duplicate pictures (first one kept): none" in out
    report = tmp_path / "all.labels.zarr-report"
    assert {file.name for file in report.iterdir()} == {
        *(f"merge-report.{suffix}" for suffix in ("json", "txt", "html")),
        "split.json",
        "contact-sheet.jpg",
    }
    assert [s["name"] for s in json.loads((report / "merge-report.json").read_text())["sources"]] == [
        "mouse",
        "two",
    ]
    split = read_labels(dest).split.tolist()
    assert sorted(split) == ["test"] * 4 + ["train"] * 4
    code, _, said = superanimal(*arguments, "--split-by", "image", "--test", "0.5", "--seed", "3")
    assert code == 2
    assert "a split is never redrawn" in said


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["convert", "{project}"], 2, "sources come first, the target last"),
        (
            ["convert", "{project}", "{tmp}/x", "--table", "{table}", "--space", "topviewmouse"],
            3,
            "COLUMN=PATH",
        ),
        (["convert", "{project}", "{tmp}/x", "--space", "topviewmaus"], 3, "did you mean topviewmouse"),
        (["convert", "{tmp}/none", "{tmp}/x"], 3, "no such file or folder"),
        (["convert", "{project}", "{tmp}/x", "--to", "h5"], 3, "did you mean dlc-h5"),
        (["merge", "a={project}", "a={project}", "{tmp}/x.labels.zarr"], 2, "have the same name"),
        (["tables", "check", "{tmp}/none.csv"], 3, "no such conversion table"),
        (["tables", "check", "{table}", "lab={project}", "--space", "quadruped"], 2, "1 fault"),
    ],
)
def test_wrong_commands(
    superanimal: Call, tmp_path: Path, project: Path, table: Path, arguments, code, message
) -> None:
    words = [text.format(project=project, tmp=tmp_path, table=table) for text in arguments]
    found = superanimal(*words)
    assert (found[0], message in found[2]) == (code, True), found


def test_tables(superanimal: Call, tmp_path: Path, project: Path, table: Path) -> None:
    code, out, _ = superanimal("tables", "list")
    assert code == 0
    assert "dlc-openfield: 4 mapped" in out
    code, out, _ = superanimal("tables", "show", "quadruped")
    assert "hind feet of the horse exchanged" in out
    code, out, _ = superanimal("tables", "check", table, f"lab={project}")
    assert code == 0
    assert "note: column 'lab': keypoint 'earr' of the data set is not mapped" in out
    table.write_text("lab,MasterName\nsnoot,nose\n")
    code, out, said = superanimal("tables", "check", table, f"lab={project}")
    assert code == 2
    assert "fault: column 'lab', row nose: the data set has no keypoint 'snoot' (did you mean snout?)" in out
    draft = tmp_path / "draft.csv"
    code, out, _ = superanimal("tables", "draft", f"lab={project}", draft)
    assert "3 of 3 keypoints found by name" in out
    code, _, said = superanimal("tables", "draft", f"lab={project}", draft)
    assert code == 2
    assert "an existing table is not overwritten" in said


def test_convert_refuses_predictions_and_names_the_option(superanimal: Call, tmp_path: Path) -> None:
    ds = make_poses(np.ones((2, 2, 1, 1)), np.full((2, 1, 1), 0.5), keypoints=["nose"])
    save_poses(ds, tmp_path / "v.h5")
    code, _, err = superanimal("convert", tmp_path / "v.h5", tmp_path / "out")
    assert code == 2
    assert "model predictions" in err
    assert "(--min-confidence)" in err


def test_convert_takes_images_and_scorer(superanimal: Call, tmp_path: Path) -> None:
    (tmp_path / "CollectedData_A.csv").write_text(
        "scorer,A,A\nbodyparts,nose,nose\ncoords,x,y\nimg000.png,1,2\n"
    )
    (tmp_path / "CollectedData_B.csv").write_text(
        "scorer,B,B\nbodyparts,nose,nose\ncoords,x,y\nimg000.png,3,4\n"
    )
    write_images(tmp_path / "elsewhere", 1)
    code, _, err = superanimal("convert", tmp_path, tmp_path / "out")
    assert code == 2
    assert "(--scorer)" in err
    code, _, err = superanimal("convert", tmp_path, tmp_path / "out", "--scorer", "B")
    assert code == 3
    assert "(--images)" in err
    images = ("--images", tmp_path / "elsewhere", "--scorer", "B")
    code, _, _ = superanimal("convert", tmp_path, tmp_path / "out2", *images)
    assert code == 0
    assert read_labels(tmp_path / "out2").xy.tolist() == [[[3, 4]]]


def test_notes_and_tables_without_tracebacks(superanimal: Call, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("track,frame_idx,nose.x,nose.y\na,0,1,2\n")
    for verb in (
        ("info", table),
        ("convert", table, tmp_path / "o"),
        ("match", table),
        ("evaluate", table, table),
    ):
        code, _, err = superanimal(*verb)
        assert code == 5
        assert "SLEAP csv" in err
    code, _, err = superanimal("analyze", table, "--out", tmp_path / "o")
    assert code == 4
    assert "text, not a video" in err


@pytest.fixture
def two_videos(tmp_path: Path) -> Path:
    """A SLEAP project with predictions on two videos, the animal at x = 10 and at x = 20."""
    import sleap_io

    skeleton = sleap_io.Skeleton(nodes=["nose"], name="s")
    videos = [sleap_io.Video(filename=f"{name}.mp4", open_backend=False) for name in ("a", "b")]
    frames = [
        sleap_io.LabeledFrame(
            video=video,
            frame_idx=3,
            instances=[
                sleap_io.PredictedInstance.from_numpy(
                    np.array([[x, 5.0]]), skeleton=skeleton, point_scores=np.array([0.9]), score=0.9
                )
            ],
        )
        for video, x in zip(videos, (10.0, 20.0), strict=True)
    ]
    path = tmp_path / "two.slp"
    sleap_io.save_slp(sleap_io.Labels(frames, videos=videos, skeletons=[skeleton]), str(path))
    return path


def test_one_of_several_videos_is_chosen(superanimal: Call, tmp_path: Path, two_videos: Path) -> None:
    code, _, err = superanimal("info", two_videos)
    assert code == 5 and "0: a.mp4 (1 frames), 1: b.mp4" in err and "--recording" in err
    assert superanimal("info", two_videos, "--recording", "b.mp4")[0] == 0
    assert superanimal("info", two_videos, "--recording", "c.mp4")[0] == 2
    code, out, _ = superanimal(
        "convert", two_videos, tmp_path / "b.nc", "--to", "movement", "--recording", "1"
    )
    assert code == 0 and "1 frames, 1 animals, 1 keypoints" in out
    poses = load_poses(tmp_path / "b.nc")
    assert float(poses["position"].sel(space="x").squeeze()) == 20
    assert float(poses["confidence"].squeeze()) == pytest.approx(0.9)
    labels = read_labels(two_videos, recording="a.mp4", min_confidence=0.5)
    assert labels.xy[:, 0, 0].tolist() == [10]
    with pytest.raises(InputError, match="only SLEAP projects and NWB files"):
        read_labels(tmp_path / "b.nc", recording="a")


def test_poses_become_one_nwb_file_per_animal(superanimal: Call, tmp_path: Path) -> None:
    position = np.arange(24, dtype=np.float32).reshape(3, 2, 2, 2)
    poses = make_poses(position, keypoints=["nose", "tail"], individuals=["ada", "bo"])
    save_poses(poses, tmp_path / "clip.nc")
    command = ("convert", tmp_path / "clip.nc", tmp_path / "clip.nwb", "--to", "nwb-per-animal")
    code, _, err = superanimal(*command)
    assert code == 5 and "--fps" in err
    assert superanimal(*command, "--fps", "25")[0] == 0
    found = load_poses(tmp_path / "clip_bo.nwb")
    assert found["individual"].values.tolist() == ["bo"] and found.attrs["fps"] == 25
    np.testing.assert_array_equal(found["position"].values[..., 0], position[..., 1])
    code, _, err = superanimal(*command, "--fps", "25")
    assert code == 8 and "already exists" in err
    code, _, err = superanimal(*command, "--min-confidence", "0.5")
    assert code == 2 and "these options apply to labels" in err


def test_poses_in_a_folder_are_named_after_their_video(superanimal: Call, tmp_path: Path) -> None:
    position = np.arange(24, dtype=np.float32).reshape(3, 2, 2, 2)
    poses = make_poses(
        position,
        keypoints=["nose", "tail"],
        individuals=["ada", "bo"],
        fps=25.0,
        video_path="C:\\v\\clip.2.avi",
    )
    save_poses(poses, tmp_path / "corrected.nc")
    out = tmp_path / "out"
    out.mkdir()
    command = ("convert", tmp_path / "corrected.nc", out, "--to", "dlc-csv")
    assert superanimal(*command)[0] == 0
    assert load_poses(out / "clip.2DLC_superanimal_el.csv")["individual"].values.tolist() == ["ada", "bo"]
    code, _, err = superanimal(*command)
    assert code == 8 and "--overwrite" in err
    assert superanimal(*command, "--overwrite")[0] == 0
    save_poses(poses.assign_attrs(video_path=""), tmp_path / "corrected.nc")
    code, _, err = superanimal(*command)
    assert code == 2 and "name the file instead" in err
