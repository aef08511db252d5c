"""``superanimal match`` from a folder of labels to table, figures and offsets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from superanimal.keypoints import load_table
from superanimal.labels import LabelledSet, materialize, synthetic_labels
from superanimal.poses.offsets import load_offsets

Call = Callable[..., tuple[int, str, str]]
KEPT = ("nose", "left_ear", "right_ear", "mouse_center", "tail_base")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> LabelledSet:
    """Twelve rendered pictures with five of the keypoints under other names."""
    labels = synthetic_labels(tmp_path_factory.mktemp("pictures"), 12, size=(160, 160), seed=4)
    own = [labels.keypoints.index(name) for name in KEPT]
    return labels.with_columns(
        keypoints=tuple(f"p{i}" for i in range(5)), xy=labels.xy[:, own], visibility=labels.visibility[:, own]
    )


def test_table_figures_and_refusal(superanimal: Call, rendered: LabelledSet, tmp_path: Path) -> None:
    project = materialize(rendered, tmp_path / "lab-coco", "coco", images="copy").path
    out = tmp_path / "out"
    code, said, error = superanimal(
        "match", project, "--out", out, "--column", "lab", "--device", "cpu", "--offsets"
    )
    assert re.search(
        r"1[12] images, \d+ animals, space topviewmouse", said
    )  # on one the mouse is hard to find
    cells = load_table(out / "table.csv").column("lab")
    right = [cells.get(name) is not None and cells[name].names == (f"p{i}",) for i, name in enumerate(KEPT)]
    assert sum(right) >= 4
    assert (out / "frequency.png").stat().st_size > 5000 and (out / "bias.png").stat().st_size > 5000
    if code == 10:  # the model was trained on this renderer: it should mean the same points
        assert "may be due to chance" in error and not (out / "offsets.json").exists()
    else:
        assert code == 0
        assert load_offsets(out / "offsets.json").facts["gain"]["gain_px"][1] > 0


def test_a_real_difference_is_moved(superanimal: Call, rendered: LabelledSet, tmp_path: Path) -> None:
    """Nose and tail base, under their own names, are labelled 6 % of the body length further inside."""
    xy = rendered.xy.copy()
    heading = xy[:, 0] - xy[:, 4]
    xy[:, 0] -= 0.06 * heading
    xy[:, 4] += 0.06 * heading
    marked = np.where(np.isfinite(xy).all(-1), 2, 0)
    moved = rendered.with_columns(keypoints=KEPT, xy=xy, visibility=marked)
    project = materialize(moved, tmp_path / "lab-coco", "coco", images="copy").path
    out = tmp_path / "out"
    code, said, _ = superanimal("match", project, "--out", out, "--device", "cpu", "--offsets")
    assert code == 0
    assert "tail_base (by name)" in said and "offsets: " in said
    document = json.loads((out / "offsets.json").read_text())
    assert document["model"] == "mini_topviewmouse" and len(document["weights"]) == 64
    assert document["keypoints"]["tail_base"]["offset"][0] == pytest.approx(0.06, abs=0.03)


def test_prefixes_that_do_not_fit(superanimal: Call, rendered: LabelledSet, tmp_path: Path) -> None:
    project = materialize(rendered, tmp_path / "lab-coco", "coco", images="copy").path
    code, _, error = superanimal("match", project, "--prefixes", "B_,W_")
    assert code == 2 and "none of the prefixes B_, W_" in error
