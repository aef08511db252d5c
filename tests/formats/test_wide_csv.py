"""Wide tables that went through a spreadsheet or pandas: read right, or an error that names row or column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from superanimal.errors import FormatError
from superanimal.formats import load_poses, recognise

PLAIN = """scorer,AB,AB,AB,AB,AB,AB
bodyparts,nose,nose,nose,tail,tail,tail
coords,x,y,likelihood,x,y,likelihood
0,1,2,0.9,3,4,0.8
1,5,6,0.9,7,8,0.7
"""
LABELS = """scorer,AB,AB,AB,AB
bodyparts,nose,nose,tail,tail
coords,x,y,x,y
labeled-data/v/img003.png,1,2,3,4
labeled-data/v/img007.png,5,6,7,8
"""


def with_column(text: str, cells: list[str], place: int) -> str:
    """Insert a column before column ``place``."""
    rows = [line.split(",") for line in text.splitlines()]
    return "".join(
        ",".join([*row[:place], cell, *row[place:]]) + "\n" for row, cell in zip(rows, cells, strict=True)
    )


def load(folder: Path, content: str | bytes, name: str = "x.csv"):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_poses(path)


SAME = {
    "blank column": with_column(PLAIN, ["", "", "", "", ""], 4),
    "trailing columns": "".join(f"{line},,\n" for line in PLAIN.splitlines()),
    "trailing rows": PLAIN + ",,,,,,\n,,,,,,\n",
    "named index": PLAIN.replace("\n0,", "\nframe,,,,,,\n0,"),
    "capital": PLAIN.replace("x,y,likelihood", "X,Y,Likelihood"),
    "spaces": PLAIN.replace(",", ", "),
    "semicolons": PLAIN.replace(",", ";"),
    "decimal commas": PLAIN.replace(",", ";").replace(".", ","),
    "tabs": PLAIN.replace(",", "\t"),
    "old mac": PLAIN.replace("\n", "\r"),
    "byte order mark": PLAIN.encode("utf-8-sig"),
    "utf-16": PLAIN.encode("utf-16"),
    "sep line": "sep=,\n" + PLAIN,
    "empty rows above": "\n,,,,,,\n" + PLAIN,
    "extra quantity": with_column(PLAIN, ["AB", "nose", "speed", "1.5", "2.5"], 4),
    "float index": PLAIN.replace("\n0,", "\n0.0,").replace("\n1,", "\n1.0,"),
}


@pytest.mark.parametrize("kind", SAME)
def test_same_table_in_other_clothes(tmp_path: Path, kind: str) -> None:
    ds = load(tmp_path, SAME[kind])
    assert ds["frame"].values.tolist() == [0, 1]
    np.testing.assert_array_equal(ds["position"].values[:, :, :, 0], [[[1, 3], [2, 4]], [[5, 7], [6, 8]]])
    np.testing.assert_allclose(ds["confidence"].values[0, :, 0], [0.9, 0.8], rtol=1e-6)
    assert not ds.attrs["source_software"].startswith("Lightning")
    assert "edited" not in ds  # predictions, not labels


@pytest.mark.parametrize(
    "cells", [["note", "", "", "ok", "bad"], ["", "", "", "0.0", "0.033"], ["", "", "", "17", "18"]]
)
def test_column_without_a_keypoint_is_left_out_with_a_word(tmp_path: Path, cells: list[str]) -> None:
    with pytest.warns(UserWarning, match="column 2 skipped"):
        ds = load(tmp_path, with_column(PLAIN, cells, 1))
    np.testing.assert_array_equal(ds["position"].values[0, :, :, 0], [[1, 3], [2, 4]])
    with pytest.warns(UserWarning, match="column 2 skipped"):
        labels = load(tmp_path, with_column(LABELS, ["", "", "", "0", "1"], 1), "CollectedData_AB.csv")
    np.testing.assert_array_equal(labels["position"].values[0, :, :, 0], [[1, 3], [2, 4]])


def test_decimal_commas_are_found_below_empty_and_whole_rows(tmp_path: Path) -> None:
    rows = "".join(f"{i};;;;7;8;1\n" for i in range(30))
    ds = load(tmp_path, PLAIN.replace(",", ";").split("0;1")[0] + rows + "30;1,5;2,5;0,9;3,5;4,5;0,8\n")
    assert ds["position"].values[30, :, :, 0].tolist() == [[1.5, 3.5], [2.5, 4.5]]


def test_a_confidence_of_another_name_and_a_column_of_no_keypoint_are_told(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="not read: nose/score, tail/score"):
        load(tmp_path, PLAIN.replace("likelihood", "score"))
    with pytest.warns(UserWarning, match="not read: time/time"):
        ds = load(tmp_path, with_column(PLAIN, ["AB", "time", "time", "0.0", "0.1"], 7))
    assert list(ds["keypoint"].values) == ["nose", "tail"]


def test_frames_come_in_order(tmp_path: Path) -> None:
    ds = load(tmp_path, PLAIN.replace("\n0,", "\n10,").replace("\n1,", "\n2,"))
    assert ds["frame"].values.tolist() == [2, 10]
    assert ds["position"].values[:, 0, 0, 0].tolist() == [5, 1]


def test_named_index_of_pandas_keeps_frames_and_kind(tmp_path: Path) -> None:
    names = ["scorer", "bodyparts", "coords"]
    columns = pd.MultiIndex.from_product([["A"], ["nose"], ["x", "y", "likelihood"]], names=names)
    index = pd.Index([0, 1], name="frame")
    pd.DataFrame([[1, 2, 0.5], [3, 4, 0.5]], columns=columns, index=index).to_csv(tmp_path / "v.csv")
    assert recognise(tmp_path / "v.csv") == "dlc-csv"
    assert load_poses(tmp_path / "v.csv")["frame"].values.tolist() == [0, 1]
    named = LABELS.replace("\nlabeled-data/v/img003", "\nimage,,,,\nlabeled-data/v/img003")
    ds = load(tmp_path, named, "CollectedData_AB.csv")
    assert ds["image"].values.tolist() == ["labeled-data/v/img003.png", "labeled-data/v/img007.png"]


def test_unlabelled_first_image_is_no_name_of_the_index(tmp_path: Path) -> None:
    ds = load(tmp_path, LABELS.replace("img003.png,1,2,3,4", "img003.png,,,,"), "CollectedData_AB.csv")
    assert ds.sizes["time"] == 2


def test_image_paths_in_two_and_three_cells(tmp_path: Path) -> None:
    three = LABELS.replace("labeled-data/v/", "labeled-data,v,")
    head = [f"{line.split(',', 1)[0]},,,{line.split(',', 1)[1]}" for line in three.splitlines()[:3]]
    ds = load(tmp_path, "\n".join([*head, *three.splitlines()[3:]]), "CollectedData_AB.csv")
    assert ds["image"].values[0] == "labeled-data/v/img003.png"
    two = [line.replace(",,,", ",,") for line in head] + ["v,img003.png,1,2,3,4"]
    ds = load(tmp_path, "\n".join(two), "CollectedData_AB.csv")
    assert ds["image"].values.tolist() == ["v/img003.png"]
    np.testing.assert_array_equal(ds["position"].values[0, :, :, 0], [[1, 3], [2, 4]])


def test_windows_text_is_read_with_a_warning(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="not UTF-8"):
        ds = load(tmp_path, PLAIN.replace("nose", "Schnäuzchen").encode("cp1252"))
    assert "Schnäuzchen" in ds["position"].coords[ds["position"].dims[2]].values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PLAIN.replace("\n1,", "\n0.033,"), "row 2 is called 0.033"),
        (PLAIN + "2,9,9\n", "row 3 below the header has 3 cells"),
        (PLAIN.replace(",7,", ",oops,"), r"row 2 below the header has 'oops' under tail/x"),
        (PLAIN.replace("\n1,5", "\n,5"), "row 2 below the header has values but its first cell is empty"),
        (PLAIN + "mouse 3 was ill,,,,,,\n", "row 3 below the header begins with 'mouse 3 was ill'"),
        (PLAIN.replace("tail,tail,tail", "tail,,"), "column 6 has the coordinate 'y' but no name"),
        (PLAIN.replace("AB,AB,AB\n", "CD,CD,CD\n").replace("tail", "nose"), "scorers AB, CD"),
        (PLAIN.replace("\n0,", "\n-1,"), "row 1 is called -1"),
        (PLAIN.split("\n", 1)[1], "begins with the row 'bodyparts'.*row 'scorer'"),
        (LABELS.replace("labeled-data/v/img003.png", "v.mp4"), "'v.mp4' is a video"),
        (PLAIN.replace("\n0,", "\nmouse,").replace("\n1,", "\nmouse,"), "all 2 rows are called 'mouse'"),
        ("".join(f",{line}\n" for line in PLAIN.splitlines()), "not from the first cell on"),
        ("# our lab\n" + PLAIN, "not from the first cell on"),
        ("".join(line.split(",", 1)[1] + "\n" for line in PLAIN.splitlines()), "not from the first cell on"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        load(tmp_path, text)


def test_repeated_rows_and_half_points_are_told(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="frame 1 has more than one row"):
        assert load(tmp_path, PLAIN + "1,9,9,0.5,9,9,0.5\n").sizes["time"] == 3
    with pytest.warns(UserWarning, match="only one of x and y"):
        load(tmp_path, LABELS.replace("1,2,3,4", "1,,3,4"), "CollectedData_AB.csv")


def test_dates_as_index_are_refused(tmp_path: Path) -> None:
    columns = pd.MultiIndex.from_product([["A"], ["nose"], ["x", "y"]])
    rows = pd.to_datetime(["2020-01-01", "2020-01-02"])
    pd.DataFrame(np.ones((2, 2)), columns=columns, index=rows).to_hdf(tmp_path / "x.h5", key="df")
    with pytest.raises(FormatError, match="rows are datetime64"):
        load_poses(tmp_path / "x.h5")


def test_tidy_table_from_a_spreadsheet(tmp_path: Path) -> None:
    text = "Frame; Keypoint; X; Y\n3; nose; 1; 2\n7; nose; 3; 4\n;;;\n"
    ds = load(tmp_path, text)
    assert ds["frame"].values.tolist() == [3, 7]
    np.testing.assert_array_equal(ds["position"].values[:, :, 0, 0], [[1, 2], [3, 4]])
    with pytest.raises(FormatError, match="row 2 below the header has no frame"):
        load(tmp_path, text.replace("7; nose", "; nose"))


TIDY = "frame,individual,keypoint,x,y\n0,Ada,nose,1.5,2.5\n1,Ada,nose,3.5,4.5\n"


@pytest.mark.parametrize(
    "text",
    [
        TIDY.replace(",", ", "),
        TIDY.replace(",", ";").replace(".", ","),
        "sep=;\r\n" + TIDY.replace(",", ";").replace(".", ",").replace("\n", "\r\n"),
        TIDY.replace("\n", ",,\n"),
    ],
)
def test_same_tidy_table_in_other_clothes(tmp_path: Path, text: str) -> None:
    ds = load(tmp_path, text)
    assert (list(ds["individual"].values), list(ds["keypoint"].values)) == (["Ada"], ["nose"])
    np.testing.assert_array_equal(ds["position"].values[:, :, 0, 0], [[1.5, 2.5], [3.5, 4.5]])


def test_columns_of_a_tidy_table_by_other_names(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="columns that are not read: camera"):
        ds = load(tmp_path, "Frame,Keypoint,X,Y,likelihood,camera\n0,nose,1,2,0.5,top\n")
    assert ds["confidence"].values.ravel().tolist() == [0.5]
    pd.DataFrame({"Frame": [0], "Keypoint": ["nose"], "X": [1.0], "Y": [2.0]}).to_parquet(
        tmp_path / "x.parquet"
    )
    assert load_poses(tmp_path / "x.parquet")["position"].values.ravel().tolist() == [1, 2]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "track,frame_idx,nose.x,nose.y\na,0,1,2\n", "frame_idx, nose.x, nose.y: a SLEAP csv"),
        ("t.csv", "lab,MasterName\nnose,nose\n", "a conversion table"),
        ("t.csv", "", "the file is empty"),
        ("t.json", '[{"image_id": 1, "keypoints": [], "score": 1}]', "COCO results"),
        ("t.json", '{"a": 1}', "a JSON object with the keys a"),
    ],
)
def test_unknown_files_are_described(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        load(tmp_path, text, name)


@pytest.mark.parametrize(("stored", "read"), [(1.3, 1.0), (0.4, 0.4)])
def test_scores_a_little_outside_are_brought_to_the_ends(tmp_path: Path, stored: float, read: float) -> None:
    (tmp_path / "x.csv").write_text(f"scorer,a,a,a\nbodyparts,n,n,n\ncoords,x,y,likelihood\n0,1,2,{stored}\n")
    assert load_poses(tmp_path / "x.csv")["confidence"].item() == pytest.approx(read)
