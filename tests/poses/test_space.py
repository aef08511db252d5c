from __future__ import annotations

import re

import numpy as np
import pytest

from superanimal.errors import InputError, NotFoundError
from superanimal.poses import load_space, space_for, space_names
from superanimal.poses import space as space_module
from superanimal.poses.space import parse_space


@pytest.mark.parametrize(
    ("name", "count"), [("topviewmouse", 27), ("quadruped", 39), ("bird", 42), ("humanbody", 17)]
)
def test_shipped_spaces(name, count):
    space = load_space(name)
    assert space.name == name
    assert len(space) == count == len(set(space.keypoints))
    assert space.sigmas.shape == (count,)
    assert (space.sigmas > 0).all()
    assert all(re.fullmatch(r"#[0-9a-fA-F]{6}", color) for color in space.colors)
    assert space.edge_index.shape == (len(space.edges), 2)
    # the skeleton is drawn in one piece: every keypoint of an edge hangs together
    parent = list(range(count))

    def root(i):
        while parent[i] != i:
            i = parent[i]
        return i

    for a, b in space.edge_index:
        parent[root(a)] = root(b)
    assert len({root(i) for i in np.unique(space.edge_index)}) <= 2


@pytest.mark.parametrize("name", space_names())
def test_flipping_twice_is_the_identity_and_sides_are_named_alike(name):
    space = load_space(name)
    np.testing.assert_array_equal(space.flip_index[space.flip_index], np.arange(len(space)))
    for left, right in space.pairs:
        assert left.replace("left", "right") == right
    sided = {n for n in space.keypoints if "left" in n or "right" in n}
    assert sided == {n for pair in space.pairs for n in pair}


def test_official_order_is_kept():
    assert load_space("topviewmouse").keypoints[:3] == ("nose", "left_ear", "right_ear")
    assert load_space("topviewmouse").index("head_midpoint") == 26
    assert load_space("quadruped").index("body_middle_left") == 38
    assert load_space("bird").keypoints[41] == "lower_cere"
    assert load_space("humanbody").keypoints[16] == "right_ankle"


def test_guess_by_names():
    assert space_for(["nose", "mouse_center"]).name == "topviewmouse"
    assert space_for(["nose", "withers"]) is None
    assert space_for(load_space("quadruped").keypoints).name == "quadruped"
    assert space_for([]) is None


def test_own_space_from_a_file(tmp_path):
    path = tmp_path / "fly.yaml"
    path.write_text("name: fly\nkeypoints:\n  head: {sigma: 0.03}\n  tail:\nedges: [[head, tail]]\n")
    space = load_space(path)
    assert space.keypoints == ("head", "tail")
    assert space.sigmas[0] == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "no mapping 'keypoints'"),
        ({"keypoints": {"a": None}, "edges": [["a", "b"]]}, r"\['a', 'b'\]; 'b' is not a keypoint"),
        ({"keypoints": {"a": None}, "edges": [["a"]]}, "each entry is two"),
        ({"keypoints": {"a": None, "b": None, "c": None}, "pairs": [["a", "b"], ["a", "c"]]}, "two pairs"),
    ],
)
def test_refuses_a_broken_space(document, message):
    with pytest.raises(InputError, match=message):
        parse_space(document)


def test_unknown_space_names_the_known():
    with pytest.raises(NotFoundError, match="topviewmouse"):
        load_space("topviewmous")
    with pytest.raises(NotFoundError, match="no such keypoint-space file"):
        load_space("nowhere/x.yaml")


def test_a_space_extends_a_shipped_one_and_keeps_its_channels():
    base = load_space("topviewmouse")
    space = parse_space(
        {
            "name": "implanted",
            "extends": "topviewmouse",
            "keypoints": {"implant": {"sigma": 0.03, "color": "#123456"}},
            "edges": [["implant", "neck"]],
        }
    )
    assert space.keypoints == (*base.keypoints, "implant")
    assert space.edges == (*base.edges, ("implant", "neck"))
    assert space.pairs == base.pairs
    np.testing.assert_allclose(space.sigmas, [*base.sigmas, 0.03])
    assert space.synonyms["nose"] == base.synonyms["nose"]


def test_extending_refuses_what_is_there_and_names_the_spaces():
    with pytest.raises(InputError, match=r"\['nose'\] are already keypoints of topviewmouse"):
        parse_space({"extends": "topviewmouse", "keypoints": {"nose": {}}})
    with pytest.raises(NotFoundError, match="quadruped"):
        parse_space({"extends": "quadrupet", "keypoints": {"x": {}}})


def test_a_shipped_space_is_read_once_and_nobody_can_change_it(monkeypatch):
    first = load_space("quadruped")

    def parse(text):
        raise AssertionError("the YAML of a shipped space is parsed again")

    monkeypatch.setattr(space_module.yaml, "safe_load", parse)
    assert load_space("quadruped") is first
    assert space_for(first.keypoints) is first
    with pytest.raises(ValueError, match="read-only"):
        first.sigmas[0] = 1.0


def test_a_space_of_your_own_is_read_anew(tmp_path):
    file = tmp_path / "mine.yaml"
    for names in (["a"], ["a", "b"]):
        file.write_text("keypoints:\n" + "".join(f"  {name}: {{}}\n" for name in names))
        assert load_space(file).keypoints == tuple(names)
