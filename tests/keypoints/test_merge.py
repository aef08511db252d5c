"""Merging: report, warnings, duplicates; splits drawn once and without leaks; users' own spaces."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelsets import DATA, make_set

from superanimal.errors import FormatError, InputError
from superanimal.keypoints import Split, check_space, extend_space, load_table, save_space, union_space
from superanimal.keypoints.conversion_table import join_tables, parse_table
from superanimal.keypoints.convert import convert
from superanimal.keypoints.merge import merge
from superanimal.keypoints.spaces import mirror_name
from superanimal.labels import (
    LabelledSet,
    concatenate,
    contact_sheet,
    materialize,
    read_labels,
    synthetic_labels,
)
from superanimal.labels.duplicates import duplicate_groups, image_hashes
from superanimal.labels.splits import draw_split, leakage, split_once, units
from superanimal.poses import KeypointSpace, load_space

MOUSE = load_space("topviewmouse")


def test_merge_counts_warns_and_drops_copies(tmp_path):
    one = make_set(tmp_path, name="one", seed=1, licence="CC0")
    two = make_set(
        tmp_path, name="two", seed=1, keypoints=("snout", "wheel"), images=6
    )  # first 4 pictures are the same
    table = parse_table("two,MasterName\nsnout,nose\n")
    done = merge([one, two], MOUSE, table)
    assert len(done.labelled) == 6
    assert done.labelled.source.tolist() == ["one"] * 4 + ["two"] * 2
    assert len(done.report.duplicates) == 4
    total = done.report.total
    assert total.labelled["nose"] == 3 + 2
    assert total.labelled["tail_base"] == 0
    assert total.undefined == pytest.approx((4 * 24 + 2 * 26) / (6 * 27))
    assert done.report.sources[0].absent == pytest.approx(1 / (4 * 27))
    warnings = " | ".join(done.report.warnings)
    assert "two: not mapped and left out: wheel" in warnings
    assert "no source defines left_ear_tip" in warnings
    assert "no licence is known for two" in warnings
    text, page = done.report.to_text(), done.report.to_html()
    assert "Duplicate pictures (first one kept): 4" in text
    assert '<td class="w">one</td>' in page
    saved = json.loads(done.report.save(tmp_path / "report")[0].read_text())
    assert saved["total"]["images"] == 6
    kept = merge([one, two], MOUSE, table, duplicates="keep")
    assert len(kept.labelled) == 10
    with pytest.raises(InputError, match="4 pictures appear more than once, such as one: "):
        merge([one, two], MOUSE, table, duplicates="error")
    with pytest.raises(InputError, match=r"data sets \['one'\] have the same name; .*name="):
        merge([one, one], MOUSE)
    with pytest.raises(InputError, match="duplicates='all'"):
        merge([one], MOUSE, duplicates="all")


def test_duplicates_by_pixels_see_through_the_encoding(tmp_path):
    import cv2

    one = make_set(tmp_path, name="one")
    for image in one.images:
        cv2.imwrite(image.path.replace(".png", ".bmp"), cv2.imread(image.path))
    again = one.with_columns(images=[type(i)(i.path.replace(".png", ".bmp")) for i in one.images])
    both = concatenate([one, again.with_columns(name="two")])
    assert duplicate_groups(image_hashes(both)) == []
    assert duplicate_groups(image_hashes(both, "pixels")) == [[0, 4], [1, 5], [2, 6], [3, 7]]


def walker(name: str, *, mirrored: bool, count: int = 10) -> LabelledSet:
    """Return animals walking in all directions, their left truly left, or all exchanged."""
    rng = np.random.default_rng(0)
    turn = rng.uniform(0, 2 * np.pi, count)
    along, left = np.array([np.cos(turn), np.sin(turn)]).T, np.array([np.sin(turn), -np.cos(turn)]).T
    left = -left if mirrored else left
    xy = np.stack([50 + 20 * along, 50 - 20 * along, 50 + 5 * left, 50 - 5 * left], axis=1)
    from superanimal.labels import ImageRef

    refs = [ImageRef(f"{name}{i}.png", width=100, height=100) for i in range(count)]
    names = ("nose", "tail_base", "left_ear", "right_ear")
    return LabelledSet(name, names, refs, np.arange(count), xy, np.full((count, 4), 2))


def test_exchanged_sides_and_points_off_the_image_are_told():
    right, wrong = walker("right", mirrored=False), walker("wrong", mirrored=True)
    warnings = merge([right, wrong], MOUSE, duplicates="ignore").report.warnings
    assert any(w.startswith("left/right disagreement:") and "right" in w and "wrong" in w for w in warnings)
    assert not any("exchanged" in w for w in merge([right], MOUSE, duplicates="ignore").report.warnings)
    xy = right.xy.copy()
    xy[3, [2, 3]] = xy[3, [3, 2]]
    xy[4, 0] = (130, 5)
    odd = merge([right.with_columns(xy=xy)], MOUSE, duplicates="ignore").report.warnings
    assert "right: left and right seem swapped in 1 of 10 animals" in odd
    assert "right: 1 labelled points are outside their image" in odd


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=12, max_size=60),
    st.sampled_from(["image", "video", "animal", "source"]),
    st.integers(0, 5),
)
def test_units_never_stand_in_two_splits(videos, by, seed):
    from superanimal.labels import ImageRef

    count = len(videos)
    whole = LabelledSet(
        "x",
        ("nose",),
        [ImageRef(f"{i}.png") for i in range(count)],
        np.arange(count),
        np.zeros((count, 1, 2)),
        np.full((count, 1), 2),
        video=videos,
        source=["s" if v < "d" else "t" for v in videos],
        individuals=["Anna" if v in "ah" else "animal0" for v in videos],
    )
    split = draw_split(whole, {"train": 0.8, "test": 0.2}, by=by, seed=seed, same=[[0, count - 1]])
    assert set(split) <= {"train", "test"}
    assert split[0] == split[-1]
    unit = units(whole, by, [[0, count - 1]])
    for u in set(unit.tolist()):
        assert len(set(split[unit == u])) == 1
    again = draw_split(whole, {"train": 0.8, "test": 0.2}, by=by, seed=seed, same=[[0, count - 1]])
    assert split.tolist() == again.tolist()
    if by == "image":
        for source in set(whole.source):
            rows = whole.source == source
            assert abs((split[rows] == "test").sum() - 0.2 * rows.sum()) <= 2
    if by == "video":
        assert [leak for leak in leakage(whole.with_columns(split=split)) if leak.kind == "video"] == []


def test_a_split_is_never_redrawn(tmp_path):
    whole = make_set(tmp_path, images=20)
    file = tmp_path / "split.json"
    first = split_once(whole.subset(np.arange(12)), file, by="image", seed=1)
    grown = split_once(whole, file, by="image", seed=1)
    assert grown.split[:12].tolist() == first.split.tolist()
    assert all(grown.split)
    assert split_once(whole, file, by="image", seed=1).split.tolist() == grown.split.tolist()
    with pytest.raises(InputError, match="a split is never redrawn"):
        split_once(whole, file, by="image", seed=2)
    file.write_text("{}")
    with pytest.raises(FormatError, match="not a split file"):
        split_once(whole, file)


def test_a_new_frame_of_a_known_video_goes_where_the_video_is(tmp_path):
    whole = make_set(tmp_path, images=6, video=["a", "a", "b", "b", "a", "b"])
    first = split_once(whole.subset([0, 1, 2, 3]), tmp_path / "s.json", {"train": 0.5, "test": 0.5})
    grown = split_once(whole, tmp_path / "s.json", {"train": 0.5, "test": 0.5})
    assert grown.split[4] == first.split[0]
    assert grown.split[5] == first.split[2]


def test_leaks_are_found(tmp_path):
    whole = make_set(tmp_path, images=4, video=["a", "a", "b", "c"], individuals=["Anna", "x", "Anna", "x"])
    split = whole.with_columns(split=["train", "test", "test", "train"])
    found = [str(leak) for leak in leakage(split, ["h1", "h2", "h2", "h1"])]
    assert found == ["video lab/a: 1 in test, 1 in train", "animal lab/Anna: 1 in test, 1 in train"] + [
        "animal lab/x: 1 in test, 1 in train"
    ]
    found = [str(leak) for leak in leakage(split, ["h1", "h1", "h3", "h4"])]
    assert found[0] == "image lab|lab/img000.png: 1 in test, 1 in train"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fractions": {"train": 0.5}}, "add up to 1"),
        ({"by": "cage"}, "split by 'cage'; it is one of image, video, animal, source"),
        ({"stratify": "sex"}, "stratify='sex'"),
    ],
)
def test_wrong_splits(labelled, change, message):
    with pytest.raises(InputError, match=message):
        draw_split(labelled, **change)


def test_spaces_of_users(tmp_path):
    space = extend_space(
        MOUSE, "mine", ["left_paw", "right_paw"], pairs=[("left_paw", "right_paw")], sigmas={"left_paw": 0.07}
    )
    assert space.keypoints[:27] == MOUSE.keypoints
    assert space.sigmas[27] == 0.07
    again = load_space(save_space(space, tmp_path / "mine.yaml"))
    assert again.keypoints == space.keypoints
    assert again.pairs == space.pairs
    np.testing.assert_array_equal(again.flip_index, space.flip_index)
    assert "'left_paw' has no edge" in check_space(again)
    with pytest.raises(InputError, match=r"\['nose'\] are already keypoints of topviewmouse"):
        extend_space(MOUSE, "mine", ["nose"])


def test_union_of_data_sets_finds_pairs(tmp_path):
    one = make_set(tmp_path, name="one")
    two = make_set(tmp_path, name="two", keypoints=("nose", "wingL", "wingR"))
    space = union_space([one, two])
    assert space.keypoints == ("nose", "left_ear", "right_ear", "wingL", "wingR")
    assert space.pairs == (("left_ear", "right_ear"), ("wingL", "wingR"))
    assert merge([one, two], duplicates="ignore").labelled.keypoints == space.keypoints
    names = ("L_Eye", "tail", "nose", "ear_left", "Nearknee", "Offknee", "offhind")
    mirrored = ["R_Eye", "tail", "nose", "ear_right", "Offknee", "Nearknee", "nearhind"]
    assert [mirror_name(name) for name in names] == mirrored


def test_near_and_off_side_of_a_horse_are_a_pair_and_nothing_pairs_with_itself(tmp_path):
    names = ("Nose", "Nearknee", "Offknee", "Nearhock", "left")
    space = union_space([make_set(tmp_path, name="horse", keypoints=names)])
    assert space.pairs == (("Nearknee", "Offknee"),)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keypoints": ()}, "has no keypoints"),
        ({"keypoints": ("a", "a")}, r"\['a'\] appear more than once"),
        ({"keypoints": ("a", "b;c")}, "has no semicolon"),
        ({"edges": (("a", "z"),)}, r"edge \[a, z\]; it must join two of the keypoints"),
        ({"pairs": (("a", "b"), ("b", "a"))}, "are in two pairs"),
        ({"sigmas": np.array([0.1, 0.0])}, "they must be positive numbers"),
        ({"colors": ("#fff",)}, "2 keypoints, 2 sigmas, 1 colours"),
    ],
)
def test_broken_spaces(change, message):
    whole = {
        "keypoints": ("a", "b"),
        "edges": (),
        "pairs": (),
        "sigmas": np.full(2, 0.1),
        "colors": ("#ffffff",) * 2,
    }
    with pytest.raises(InputError, match=message):
        check_space(KeypointSpace(name="s", title="s", **{**whole, **change}))


def test_contact_sheet_marks_the_right_pixel(tmp_path, labelled):
    """A green square of 3 x 3 pixels under the label: the dot of the sheet lies in its middle."""
    import cv2

    picture = np.zeros((20, 24, 3), np.uint8)
    picture[6:9, 10:13, 1] = 255
    cv2.imwrite(labelled.images[1].path, picture)
    one = labelled.subset([1])
    xy = np.array([[[11, 7], [3, 15], [np.nan, np.nan]]], dtype=np.float32)
    one = one.with_columns(xy=xy, visibility=[[2, 2, 0]])
    colors = ("#ff0000", "#0000ff", "#0000ff")
    space = KeypointSpace("three", "Three", one.keypoints, (), (), np.ones(3), colors)
    page = contact_sheet(one, tmp_path / "s.png", count=1, tile=240, names=False, space=space)
    blue, green, red = np.moveaxis(cv2.imread(str(page)).astype(int), -1, 0)
    square = np.argwhere((green > 200) & (red < 60) & (blue < 60))
    dot = np.argwhere((red > 200) & (green < 60) & (blue < 60))
    near = dot[np.abs(dot - square.mean(0)).max(1) < 15]
    middle = (square.min(0) + square.max(0)) / 2
    assert len(near) > 20
    np.testing.assert_allclose((near.min(0) + near.max(0)) / 2, middle, atol=0.6)
    with pytest.raises(InputError, match="no labelled animal"):
        contact_sheet(labelled.subset([]), tmp_path / "t.png")


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="the real data (../shared/data) are not here")
def test_mice_and_quadrupeds_become_one_training_set(tmp_path):
    made = materialize(synthetic_labels(tmp_path / "png", 3), tmp_path / "syn", "coco", images="copy")
    animals = DATA / "coco-animals"
    sources = {
        "dlc-openfield": DATA / "dlc-openfield",
        "golden:topviewmouse": DATA / "dlc-golden-mouse",
        "ap10k": animals / "ap10k",
        "animalpose:animalpose-mmpose": animals / "animalpose",
        "horse": animals / "horse10",
        "zebra": animals / "zebra",
        "synthetic:topviewmouse": made.path,
    }
    done = convert(
        [f"{name}={path}" for name, path in sources.items()],
        tmp_path / "all.labels.zarr",
        to="store",
        space="quadruped",
        table=["quadruped", "quadruped_more"],
        duplicates="drop",
    )
    whole = read_labels(done.written.path)
    tables = join_tables([load_table("quadruped"), load_table("quadruped_more")])
    for key, path in sources.items():
        name, _, column = key.partition(":")
        part, cells = read_labels(path), tables.column(column or name)
        rows = np.flatnonzero(whole.source == name)
        assert len(rows) == len(part)
        for i, j in enumerate(rows.tolist()):
            np.testing.assert_array_equal(whole.pixels(j), part.pixels(i))
            for k, master in enumerate(whole.keypoints):
                got = whole.xy[whole.animals_of(j), k]
                own = part.keypoints.index(str(cells[master])) if master in cells else None
                wanted = np.full_like(got, np.nan) if own is None else part.xy[part.animals_of(i), own]
                np.testing.assert_array_equal(got, wanted)


@pytest.mark.skipif(not DATA.is_dir(), reason="the real data (../shared/data) are not here")
def test_two_real_projects_merge(tmp_path):
    parts = [read_labels(DATA / name) for name in ("dlc-openfield", "dlc-golden-mouse")]
    split = Split(tmp_path / "split.json", {"train": 0.8, "test": 0.2}, by="image")
    done = merge(parts, MOUSE, load_table("topviewmouse"), split=split)
    assert len(done.labelled) == 116
    assert done.report.total.labelled["nose"] == 96 + 18
    assert (done.labelled.split == "test").sum() == pytest.approx(0.2 * 116, abs=2)
    k = MOUSE.index("nose")
    np.testing.assert_array_equal(done.labelled.xy[:96, k], parts[0].xy[:, parts[0].keypoints.index("snout")])
    assert not any("left/right" in warning for warning in done.report.warnings)
