"""Conversion tables: the published layout, explicit rules, and every fault with the message a user sees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelsets import make_set

from superanimal.errors import InputError, NotFoundError
from superanimal.keypoints.conversion_table import (
    Cell,
    ConversionTable,
    check_table,
    draft_table,
    format_table,
    join_tables,
    load_table,
    parse_table,
    save_table,
    side,
    table_from_mapping,
    table_names,
    table_notes,
)
from superanimal.keypoints.projection import join_points, project
from superanimal.poses import load_space

MOUSE = load_space("topviewmouse")

FAULTS = {
    "": "the first line is (empty)",
    "a,b\nx,nose\n": "it names the data sets and ends with MasterName",
    "a,a,MasterName\nx,y,nose\n": "column 'a' appears 2 times",
    "a,,MasterName\nx,,nose\n": "column '2', row 1: has no name",
    "MasterName\nnose\n": "there is no column besides MasterName",
    "a,MasterName\nx\n": "row 2: has 1 cells, the first line 2",
    "a,MasterName\nx,\n": "column 'MasterName', row 2: is empty, but the row has names",
    "a,MasterName\nx,nose\ny,nose\n": "row 3: 'nose' is already in row 2",
    "a,MasterName\nx,nose\nx,neck\n": "column 'a', row neck: 'x' is already mapped to 'nose'",
    "a,MasterName\nx;y,nose\n": "column 'a', row 2 (nose): 'x;y' names several points without a rule",
    "a,MasterName\nmean(x),nose\n": "'mean(x)' combines fewer than two names; write mean(a; b)",
}


@pytest.mark.parametrize(("text", "message"), FAULTS.items())
def test_faults_of_the_text_are_named(text, message):
    with pytest.raises(InputError) as caught:
        parse_table(text, "mine.csv")
    assert message in str(caught.value)
    assert "mine.csv" in str(caught.value)


def test_all_faults_are_listed_at_once():
    with pytest.raises(InputError, match="3 faults"):
        parse_table("a,MasterName\nx;y,nose\nz,nose\nq\n")


def test_faults_against_space_and_data_set():
    table = parse_table("mine,MasterName\nsnout,nose\nLeftEar,left_er\nearr,right_ear\nbum,left_hip\n")
    found = [str(p) for p in check_table(table, MOUSE, {"mine": ["snoot", "LeftEar", "earr", "bum", "tail"]})]
    assert (
        "column 'MasterName', row left_er: 'left_er' is not a keypoint of the space topviewmouse (did you"
        in found[0]
    )
    assert "column 'mine', row nose: the data set has no keypoint 'snout' (did you mean snoot?)" in found
    assert "column 'mine': keypoint 'tail' of the data set is not mapped" in found
    missing = check_table(table, MOUSE, {"yours": ["a"]})
    assert any(str(p).startswith("column 'yours': is not in the table") for p in missing)
    empty = check_table(ConversionTable(("nose",), {"b": {}}), MOUSE)
    assert str(empty[0]) == "column 'b': is empty: the data set would have no keypoint"


def test_left_right_disagreement_is_noted():
    table = parse_table("mine,MasterName\nleft_ear,right_ear\n")
    (problem,) = check_table(table, MOUSE)
    assert (
        str(problem)
        == "column 'mine', row right_ear: left/right disagreement: 'left_ear' is mapped to 'right_ear'"
    )
    assert not problem.serious


@pytest.mark.parametrize(
    ("name", "expected"),
    [("left_ear", "left"), ("R_Eye", "right"), ("Nearhindfoot", "left"), ("Offhindfoot", "right")]
    + [("tail1", ""), ("tail", ""), ("wingL", "left"), ("nose", ""), ("forelegR2", "right")],
)  # fmt: skip
def test_side(name, expected):
    assert side(name) == expected


def test_unknown_tables_and_columns(tmp_path):
    with pytest.raises(NotFoundError, match="did you mean quadruped"):
        load_table("quadrupet")
    with pytest.raises(NotFoundError, match="no such conversion table"):
        load_table(tmp_path / "no.csv")
    with pytest.raises(
        NotFoundError, match=r"unknown column of .* 'dlc_openfield'.*did you mean dlc-openfield"
    ):
        load_table("topviewmouse").column("dlc_openfield")
    (tmp_path / "bad.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a UTF-8 text file"):
        load_table(tmp_path / "bad.csv")


def test_two_to_one_needs_a_rule():
    with pytest.raises(InputError, match=r"'b' both map to 'nose'.*mean\(a; b\)"):
        table_from_mapping("mine", {"a": "nose", "b": "nose"})
    with pytest.raises(NotFoundError, match="unknown keypoint of the space 'noze'"):
        table_from_mapping("mine", {"a": "noze"}, ("nose",))


def test_join_refuses_two_columns_of_one_name():
    one, two = (parse_table(f"a,MasterName\n{x},nose\n") for x in "xy")
    with pytest.raises(InputError, match="column 'a' of table differs"):
        join_tables([one, two])
    assert join_tables([one, one]).columns["a"]["nose"] == Cell(("x",))


names = st.text(
    st.characters(categories=("L", "N"), include_characters="_ -,\"'"), min_size=1, max_size=8
).map(str.strip)


@given(
    st.dictionaries(names.filter(bool), st.booleans(), min_size=1, max_size=5),
    st.lists(names.filter(bool), min_size=10, max_size=10, unique=True),
)
def test_written_tables_read_the_same(tmp_path_factory, masters, own):
    cells = {}
    for n, (master, joined) in enumerate(masters.items()):
        cells[master] = Cell((own[2 * n], own[2 * n + 1]), "mean") if joined else Cell((own[2 * n],))
    table = ConversionTable(tuple(masters), {"mine": cells})
    if "MasterName" not in masters:
        again = parse_table(format_table(table))
        assert again.masters == table.masters
        assert again.columns == table.columns


def test_saved_table_has_the_published_layout(tmp_path):
    path = save_table(load_table("quadruped"), tmp_path / "t.csv")
    lines = path.read_text().splitlines()
    assert lines[0] == "ap10k,animalpose,stanforddogs,cheetah,horse,webapp,MasterName"
    assert lines[1] == "nose,nose,Nose,nose,Nose,nose,nose"
    assert load_table(path).columns == load_table("quadruped").columns


COUNTS = {
    "topviewmouse": {"MackenzieMausHaus": 25, "ChanLab": 8, "Daniel3Mouse": 12, "dlc-openfield": 4, "EPM": 13}
    | {"3CSI": 13, "TwoWhiteMice": 8, "openfield_ole": 4, "treadmill_ole": 10},
    "quadruped": {"ap10k": 15, "animalpose": 20, "stanforddogs": 23, "cheetah": 19, "horse": 9, "webapp": 16},
    "quadruped_more": {"animalpose-mmpose": 20, "zebra": 8, "dlc-openfield": 4, "topviewmouse": 17},
}


def test_shipped_tables_have_the_published_counts_and_are_sound():
    assert table_names() == sorted(COUNTS)
    for name, counts in COUNTS.items():
        table = load_table(name)
        assert {source: len(cells) for source, cells in table.columns.items()} == counts
        space = load_space(name.split("_")[0])
        assert [str(p) for p in check_table(table, space)] == []
        assert set(table.masters) == set(space.keypoints)
        assert table_notes(name)


def test_horse_hind_feet_are_corrected():
    horse = load_table("quadruped").column("horse")
    assert horse["back_left_paw"] == Cell(("Nearhindfoot",))
    assert horse["back_right_paw"] == Cell(("Offhindfoot",))
    assert "Corrected" in table_notes("quadruped")


def test_lookup_is_by_column():
    table = load_table("topviewmouse")
    assert table.column("MackenzieMausHaus")["neck"] == Cell(("spine1",))
    assert table.column("Daniel3Mouse")["mid_back"] == Cell(("spine1",))


def test_draft_uses_names_and_synonyms():
    cells = draft_table("mine", ["snout", "leftear", "wheel"], MOUSE).columns["mine"]
    assert {k: str(v) for k, v in cells.items()} == {"nose": "snout", "left_ear": "leftear"}


def test_draft_prefers_the_name_to_a_synonym():
    cells = draft_table("mine", ["ear_l", "leftear", "left_ear", "snout", "nose"], MOUSE).columns["mine"]
    assert {k: str(v) for k, v in cells.items()} == {"nose": "nose", "left_ear": "left_ear"}


def test_project_three_visibilities_and_rules(tmp_path):
    part = make_set(tmp_path, keypoints=("snout", "earl", "earr", "wheel"))
    table = parse_table("lab,MasterName\nsnout,nose\nearl,left_ear\nmean(earr; wheel),right_ear\n")
    done = project(part, MOUSE, table)
    k = MOUSE.index
    assert done.keypoints == MOUSE.keypoints
    assert done.visibility[0, k("nose")] == 0
    assert done.visibility[1, k("nose")] == 2
    assert (done.visibility[:, k("tail_base")] == -1).all()
    np.testing.assert_array_equal(done.xy[:, k("left_ear")], part.xy[:, 1])
    np.testing.assert_allclose(done.xy[:, k("right_ear")], part.xy[:, 2:4].mean(1), rtol=1e-6)
    partial = project(part, MOUSE, parse_table("lab,MasterName\nsnout,nose\n"))
    assert partial.notes == ("lab: not mapped and left out: earl, earr, wheel",)


def test_project_without_table_needs_a_common_name(tmp_path):
    part = make_set(tmp_path, keypoints=("a", "b"))
    with pytest.raises(
        InputError, match=r"none of its keypoints \(a, b, \.\.\.\) is one of the space topviewmouse"
    ):
        project(part, MOUSE)
    with pytest.raises(InputError, match="the data set has no keypoint 'snout'"):
        project(part, MOUSE, parse_table("lab,MasterName\nsnout,nose\n"))


def test_join_points_by_hand():
    xy = np.array([[[0, 0], [2, 4]], [[1, 1], [np.nan] * 2], [[np.nan] * 2, [3, 3]]], dtype=np.float32)
    visibility = np.array([[2, 1], [2, 0], [-1, 2]], dtype=np.int8)
    mean, flag = join_points(xy, visibility, Cell(("a", "b"), "mean"))
    np.testing.assert_array_equal(mean, [[1, 2], [np.nan] * 2, [np.nan] * 2])
    assert flag.tolist() == [1, 0, -1]
    first, flag = join_points(xy, visibility, Cell(("a", "b"), "first"))
    np.testing.assert_array_equal(first, [[0, 0], [1, 1], [3, 3]])
    assert flag.tolist() == [2, 2, 2]
