from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from superanimal.behavior.measures import Regions, read_regions, regions_from_shapes
from superanimal.behavior.measures.regions import edge_distance
from superanimal.errors import FormatError, InputError, NotFoundError

SQUARE = np.array([[0, 0], [100, 0], [100, 100], [0, 100]], float)


def test_regions_come_back_from_json(tmp_path: Path) -> None:
    regions = Regions({"food": SQUARE[:3]}, SQUARE)
    back = read_regions(regions.save(tmp_path / "r.json"))
    assert back.names == ["food", "centre", "periphery"]
    np.testing.assert_array_equal(back.polygons["food"], SQUARE[:3])


def test_centre_and_periphery_share_the_arena() -> None:
    points = np.stack(np.meshgrid(np.arange(0.5, 100), np.arange(0.5, 100)), axis=-1).reshape(-1, 2)
    regions = Regions({}, SQUARE)
    centre = regions.inside("centre", points)
    assert centre.mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_array_equal(regions.inside("periphery", points), ~centre)
    unknown = np.array([[np.nan, np.nan]])
    assert not regions.inside("centre", unknown).any() and not regions.inside("periphery", unknown).any()


def test_shapes_of_napari(tmp_path: Path) -> None:
    shapes = [np.array([[0, 7, 10, 20], [0, 7, 10, 40], [0, 7, 30, 40], [0, 7, 30, 20]], float)] * 2
    regions = regions_from_shapes(shapes, ["rectangle", "ellipse"], ["box", "disc"])
    assert regions.inside("box", np.array([[21, 11], [11, 21]])).tolist() == [True, False]  # x, y
    assert regions.inside("disc", np.array([[21, 11], [30, 20]])).tolist() == [False, True]
    assert regions_from_shapes(shapes, None, ["box", "disc"], arena="disc").names == [
        "box",
        "centre",
        "periphery",
    ]
    rows = [f"0,rectangle,{k},{y},{x}" for k, (y, x) in enumerate([(10, 20), (10, 40), (30, 40), (30, 20)])]
    (tmp_path / "s.csv").write_text("index,shape-type,vertex-index,axis-0,axis-1\n" + "\n".join(rows))
    assert read_regions(tmp_path / "s.csv").inside("region1", np.array([[21, 11]])).all()


def test_distance_to_the_edge() -> None:
    points = np.array([[50, 50], [10, 50], [50, 120], [np.nan, 0]])
    np.testing.assert_allclose(edge_distance(SQUARE, points), [50, 10, 20, np.nan])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "its keys are"), ("x,y\n1,2\n", "the columns are x, y"), ("{", "damaged, or not regions"),
        (json.dumps({"regions": {"food": [[0, 0], [1, 1]]}}), "'food' has corners of shape \\(2, 2\\)"),
        (json.dumps({"regions": {"centre": SQUARE.tolist()}, "arena": SQUARE.tolist()}), "called 'centre'"),
    ],
)  # fmt: skip
def test_what_is_no_region_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "r").write_text(text)
    with pytest.raises((FormatError, InputError), match=said):
        read_regions(tmp_path / "r")
    with pytest.raises(NotFoundError):
        read_regions(tmp_path / "absent.json")
    with pytest.raises(InputError, match="no region 'z' for the arena"):
        regions_from_shapes([SQUARE], arena="z")
    with pytest.raises(InputError, match="a name of its own"):
        regions_from_shapes([SQUARE, SQUARE], names=["a", "a"])
