"""A mapping under edit: the way to a table and back, undo of anything, and every doubt a user sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from labelsets import make_set

from superanimal.errors import InputError, NotFoundError
from superanimal.keypoints.conversion_table import Cell, ConversionTable, format_table, load_table, save_table
from superanimal.keypoints.convert import convert
from superanimal.keypoints.mapping import KeypointMapping, space_path
from superanimal.keypoints.matching.result import Matching
from superanimal.keypoints.matching.support import support_of
from superanimal.labels import read_labels
from superanimal.poses import KeypointSpace, load_space

MOUSE = load_space("topviewmouse")
OWN = ("snout", "ear_l", "ear_r", "left_ear", "implant", "tailbase")


@pytest.fixture
def mapping() -> KeypointMapping:
    return KeypointMapping("lab", OWN, MOUSE)


def texts(mapping: KeypointMapping, matching: Matching | None = None) -> dict[str, list[str]]:
    return {name: [str(doubt) for doubt in doubts] for name, doubts in mapping.warnings(matching).items()}


def test_names_and_synonyms_are_proposed(mapping: KeypointMapping) -> None:
    mapping.propose_by_name()
    assert mapping.target("snout") == "nose"
    assert mapping.target("left_ear") == "left_ear"  # the name, although ear_l is a synonym
    assert mapping.target("implant") == ""
    assert "implant" in mapping.unmapped
    assert texts(mapping)["implant"] == ["not mapped: the table leaves it out"]


def test_assigning_moves_a_point_and_a_second_one_is_a_conflict(mapping: KeypointMapping) -> None:
    mapping.assign("snout", "nose")
    mapping.assign("snout", "neck")
    assert dict(mapping.cells) == {"neck": Cell(("snout",))}
    mapping.assign("ear_l", "left_ear")
    mapping.assign("left_ear", "left_ear")
    assert mapping.conflicts == ("left_ear",)
    assert texts(mapping)["ear_l"] == ["left_ear is also mapped to left_ear: unmap one of them or join them"]
    with pytest.raises(InputError, match="ear_l, left_ear are all mapped to left_ear"):
        mapping.to_table()
    mapping.join("left_ear", "mean")
    assert mapping.to_table().columns["lab"]["left_ear"] == Cell(("ear_l", "left_ear"), "mean")
    mapping.unmap("ear_l")
    assert mapping.cells["left_ear"] == Cell(("left_ear",))


def test_a_joined_point_takes_a_third_by_the_same_rule(mapping: KeypointMapping) -> None:
    for own in ("ear_l", "left_ear"):
        mapping.assign(own, "left_ear")
    mapping.join("left_ear", "first")
    mapping.assign("ear_r", "left_ear")
    assert str(mapping.cells["left_ear"]) == "first(ear_l; left_ear; ear_r)"


def test_left_on_right_is_told(mapping: KeypointMapping) -> None:
    mapping.assign("ear_l", "right_ear")
    assert texts(mapping)["ear_l"] == ["ear_l is mapped to right_ear: left or right?"]
    mapping.assign("ear_l", "left_ear")
    assert "ear_l" not in mapping.warnings()


def test_what_the_images_say_against_a_pair(mapping: KeypointMapping) -> None:
    frequency = np.zeros((len(OWN), len(MOUSE)))
    distance = np.full(frequency.shape, 0.1)
    place = {name: k for k, name in enumerate(MOUSE.keypoints)}
    for own, name, share in (
        ("snout", "nose", 0.9),
        ("ear_l", "left_ear", 0.5),
        ("ear_l", "left_ear_tip", 0.4),
        ("ear_r", "right_ear", 0.2),
        ("implant", "neck", 0.6),
        ("tailbase", "tail_base", 0.8),
    ):
        frequency[OWN.index(own), place[name]] = share
    distance[OWN.index("left_ear")] = np.nan
    matching = Matching(OWN, MOUSE.keypoints, (), distance, frequency, (), ())
    for own, name in (("snout", "nose"), ("ear_l", "left_ear"), ("ear_r", "right_ear"), ("tailbase", "neck")):
        mapping.assign(own, name)
    mapping.assign("left_ear", "tail_end")
    assert texts(mapping, matching) == {
        "ear_l": ["a toss-up: left_ear in 50% of images, left_ear_tip in 40%"],
        "ear_r": ["assigned to right_ear in 20% of images only"],
        "left_ear": ["never seen together with tail_end"],
        "implant": ["not mapped: the table leaves it out", "lies at neck in 60% of images"],
        "tailbase": ["lies at tail_base in 80% of images, at neck in 0%"],
    }
    support = support_of(matching, "ear_l", "left_ear")
    assert support is not None and support.score == 0.5 and support.margin == pytest.approx(0.1)
    assert support_of(matching, "ear_l", "implant") is None
    mapping.add("implant")
    assert "implant" not in texts(mapping, matching), "a new keypoint is a decision"


def test_new_keypoints_extend_the_space(mapping: KeypointMapping) -> None:
    assert mapping.add("implant") == "implant"
    assert mapping.add("implant") == "implant"
    assert mapping.add("left_ear") == "lab_left_ear", "the space means its own left_ear by that name"
    assert mapping.space.keypoints == (*MOUSE.keypoints, "implant", "lab_left_ear")
    assert mapping.to_table().masters == mapping.space.keypoints
    mapping.unmap("implant")
    assert mapping.space.keypoints == (*MOUSE.keypoints, "lab_left_ear")


def test_new_left_and_right_points_become_a_pair() -> None:
    mapping = KeypointMapping("lab", ("right_horn", "left_horn"), MOUSE)
    mapping.add("right_horn")
    mapping.add("left_horn")
    assert ("left_horn", "right_horn") in mapping.space.pairs


def test_a_proposal_keeps_what_was_marked_as_new(mapping: KeypointMapping) -> None:
    mapping.add("implant")
    mapping.assign("tailbase", "nose")
    mapping.propose({"snout": "nose", "implant": "neck"})
    assert dict(mapping.cells) == {"implant": Cell(("implant",)), "nose": Cell(("snout",))}
    mapping.undo()
    assert mapping.target("tailbase") == "nose"


def test_unknown_names_are_told_with_the_nearest(mapping: KeypointMapping) -> None:
    with pytest.raises(NotFoundError, match="did you mean snout"):
        mapping.assign("snaut", "nose")
    with pytest.raises(NotFoundError, match="did you mean left_ear"):
        mapping.assign("snout", "left_eat")
    with pytest.raises(NotFoundError, match="keypoint of lab"):
        mapping.target("knee")
    with pytest.raises(InputError, match="known are mean and first"):
        mapping.join("nose", "median")
    with pytest.raises(InputError, match="stands for 0 keypoints"):
        mapping.join("nose", "mean")
    with pytest.raises(InputError, match="no keypoint of lab is mapped"):
        mapping.to_table()
    with pytest.raises(InputError, match="needs a name and keypoints"):
        KeypointMapping("lab", (), MOUSE)


def test_a_part_of_a_name_finds_it_unless_several_have_it(mapping: KeypointMapping) -> None:
    assert mapping.find("Nose ") == "nose"
    assert mapping.find("left_ear") == "left_ear", "the whole name counts before longer ones"
    assert mapping.find("mouse_c") == "mouse_center"
    with pytest.raises(InputError, match="may be left_ear, right_ear"):
        mapping.find("ear")
    with pytest.raises(NotFoundError, match="hoof"):
        mapping.find("hoof")


EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("assign"), st.sampled_from(OWN), st.sampled_from(MOUSE.keypoints[:6])),
        st.tuples(st.just("unmap"), st.sampled_from(OWN)),
        st.tuples(st.just("add"), st.sampled_from(OWN)),
        st.tuples(st.just("propose_by_name")),
        st.tuples(st.just("undo")),
        st.tuples(st.just("redo")),
    ),
    max_size=25,
)


@given(EDITS)
def test_whatever_is_done_can_be_undone_and_every_point_has_one_place(edits: list[tuple[str, ...]]) -> None:
    mapping = KeypointMapping("lab", OWN, MOUSE)
    for name, *arguments in edits:
        getattr(mapping, name)(*arguments)
        placed = [own for cell in mapping.cells.values() for own in cell.names]
        assert sorted([*placed, *mapping.unmapped]) == sorted(OWN)
        assert set(mapping.cells) <= set(mapping.space.keypoints)
    end, seen = dict(mapping.cells), 0
    while mapping.can_undo:
        mapping.undo()
        seen += 1
    assert not mapping.cells
    for _ in range(seen):
        mapping.redo()
    assert dict(mapping.cells) == end


@given(EDITS, st.sampled_from(["mean", "first"]))
def test_table_and_back(edits: list[tuple[str, ...]], rule: str) -> None:
    mapping = KeypointMapping("lab", OWN, MOUSE)
    for name, *arguments in edits:
        getattr(mapping, name)(*arguments)
    for master in mapping.conflicts:
        mapping.join(master, rule)
    assume(mapping.cells)
    again = KeypointMapping("lab", OWN, MOUSE)
    again.take(mapping.to_table(), space=mapping.space)
    assert dict(again.cells) == dict(mapping.cells)


def test_write_and_read_with_new_keypoints(mapping: KeypointMapping, tmp_path: Path) -> None:
    mapping.propose_by_name()
    mapping.add("implant")
    assert mapping.modified
    path = tmp_path / "mice.csv"
    assert mapping.write(path) == [path, tmp_path / "mice_space.yaml"]
    assert not mapping.modified
    assert load_space(space_path(path)).keypoints == (*MOUSE.keypoints, "implant")
    assert load_table(path).columns["lab"]["implant"] == Cell(("implant",))
    again = KeypointMapping("lab", OWN, MOUSE)
    again.read(path)
    assert dict(again.cells) == dict(mapping.cells) and not again.modified
    again.undo()
    assert not again.cells, "reading is an edit like any other"


def test_convert_takes_what_was_written(mapping: KeypointMapping, tmp_path: Path) -> None:
    labels = make_set(tmp_path, name="lab", keypoints=OWN)
    mapping.assign("snout", "nose")
    mapping.add("implant")
    table, space = mapping.write(tmp_path / "mice.csv")
    convert(labels, tmp_path / "out", space=space, table=str(table))
    found = read_labels(tmp_path / "out")
    assert found.keypoints == mapping.space.keypoints
    for own, name in (("snout", "nose"), ("implant", "implant")):
        np.testing.assert_allclose(
            found.xy[:, found.keypoints.index(name)], labels.xy[:, OWN.index(own)], atol=1e-3
        )


def test_without_new_keypoints_there_is_only_the_table(mapping: KeypointMapping, tmp_path: Path) -> None:
    mapping.assign("snout", "nose")
    assert mapping.write(tmp_path / "mice.csv") == [tmp_path / "mice.csv"]
    assert [file.name for file in tmp_path.iterdir()] == ["mice.csv"]


def test_other_columns_of_a_table_stay_and_nothing_is_overwritten_unasked(
    mapping: KeypointMapping, tmp_path: Path
) -> None:
    path = tmp_path / "mice.csv"
    other = KeypointMapping("other", ("horn", "nase"), MOUSE)
    other.assign("nase", "nose")
    other.add("horn")
    other.write(path)
    mapping.assign("snout", "nose")
    mapping.add("implant")
    before = path.read_bytes()
    with pytest.raises(InputError, match="never overwritten silently"):
        mapping.write(path)
    assert path.read_bytes() == before and mapping.modified
    mapping.write(path, overwrite=True)
    table = load_table(path)
    assert {column: dict(cells) for column, cells in table.columns.items()} == {
        "other": dict(other.cells),
        "lab": dict(mapping.cells),
    }
    assert load_space(space_path(path)).keypoints == (*MOUSE.keypoints, "horn", "implant")


def test_a_file_that_is_no_table_survives(mapping: KeypointMapping, tmp_path: Path) -> None:
    path = tmp_path / "weights.csv"
    path.write_text("day,gram\n1,20\n")
    mapping.assign("snout", "nose")
    with pytest.raises(InputError, match="MasterName"):
        mapping.write(path, overwrite=True)
    assert path.read_text() == "day,gram\n1,20\n"


def test_tables_that_do_not_fit_change_nothing(mapping: KeypointMapping, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("lab,MasterName\nsnaut,nose\n")
    with pytest.raises(InputError, match=r"no keypoint 'snaut' \(did you mean snout"):
        mapping.read(path)
    path.write_text("a,b,MasterName\nsnout,,nose\n,snout,nose2\n")
    with pytest.raises(NotFoundError, match="column"):
        mapping.read(path)
    with pytest.raises(InputError, match="'nose2' is not a keypoint of the space"):
        mapping.read(path, column="b")
    assert not mapping.can_undo
    mapping.read(path, column="a")
    assert mapping.target("snout") == "nose"


def test_a_space_beside_the_table_has_to_belong_to_ours(mapping: KeypointMapping, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    horse = KeypointMapping("lab", OWN, load_space("quadruped"))
    horse.add("implant")
    horse.write(path)
    with pytest.raises(InputError, match="does not begin with the keypoints of topviewmouse"):
        mapping.read(path)
    mapping.assign("snout", "nose")
    with pytest.raises(InputError, match="does not begin with"):
        mapping.write(path, overwrite=True)


def test_a_conflict_is_not_written(mapping: KeypointMapping, tmp_path: Path) -> None:
    mapping.assign("ear_l", "left_ear")
    mapping.assign("left_ear", "left_ear")
    with pytest.raises(InputError, match="all mapped to left_ear"):
        mapping.write(tmp_path / "t.csv")
    assert not list(tmp_path.iterdir())


def test_the_layout_is_the_published_one(mapping: KeypointMapping, tmp_path: Path) -> None:
    mapping.assign("snout", "nose")
    path = save_table(ConversionTable(MOUSE.keypoints, {"lab": mapping.cells}), tmp_path / "t.csv")
    assert path.read_text() == format_table(mapping.to_table())
    assert path.read_text().startswith("lab,MasterName\nsnout,nose\n")


def test_a_space_of_a_user_is_a_base_like_any_other() -> None:
    space = KeypointSpace("two", "Two", ("a", "b"), (), (), np.array([0.1, 0.1]), ("#ffffff", "#000000"))
    mapping = KeypointMapping("lab", ("a", "c"), space)
    mapping.propose_by_name()
    mapping.add("c")
    assert mapping.space.keypoints == ("a", "b", "c")


def test_unsaved_edits_are_kept_as_a_draft_that_reads_back(mapping: KeypointMapping, tmp_path: Path) -> None:
    mapping.propose_by_name()
    assert mapping.write_draft(tmp_path) is None  # nothing but what the names propose
    first, second = mapping.keypoints[:2]
    mapping.assign(first, "neck")
    mapping.assign(second, "neck")  # a conflict that nobody decided yet
    mapping.add(mapping.keypoints[2])
    draft = mapping.write_draft(tmp_path)
    assert draft is not None
    assert mapping.modified  # a draft is not what the user saved
    again = KeypointMapping(mapping.column, mapping.keypoints, mapping.base)
    again.read(draft)
    assert again.target(first) == again.target(second) == "neck"
    assert again.added == mapping.added
    assert mapping.write_draft(tmp_path) != draft  # nothing is overwritten
    again.write(tmp_path / "saved.csv")
    assert again.write_draft(tmp_path) is None
