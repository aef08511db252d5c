from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from labelsets import make_set, write_images

from superanimal.formats import save_poses
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
    assert "Pictures that appear again (first one kept): none" in out
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
    assert "a table is not overwritten" in said


def test_convert_refuses_predictions_and_names_the_option(superanimal: Call, tmp_path: Path) -> None:
    ds = make_poses(np.ones((2, 2, 1, 1)), np.full((2, 1, 1), 0.5), keypoints=["nose"])
    save_poses(ds, tmp_path / "v.h5")
    code, _, err = superanimal("convert", tmp_path / "v.h5", tmp_path / "out")
    assert code == 2
    assert "predictions of a model" in err
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
