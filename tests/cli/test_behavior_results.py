from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from motifs import planted_motifs

from superanimal.behavior import bouts_of, write_annotations
from superanimal.formats import save_poses

Call = Callable[..., tuple[int, str, str]]


def test_agree_report_and_segment(superanimal: Call, tmp_path: Path) -> None:
    poses, truth = planted_motifs(0, frames=1500)
    file = save_poses(poses, tmp_path / "mouse.nc")[0]
    labels = bouts_of(truth[:, None] == np.arange(5), np.arange(1500) / 30, list("abcde"))
    ann, bo = (
        write_annotations(labels, tmp_path / f"{name}.tsv", video="mouse.mp4") for name in ("ann", "bo")
    )
    code, said, _ = superanimal("behavior", "agree", ann, bo, "--out", tmp_path / "agree")
    assert code == 0 and "a: frame F1 1.00, aligned 1.00" in said
    code, _, _ = superanimal(
        "behavior", "report", file, "--labels", ann, "--bin", "20", "--out", tmp_path / "r"
    )
    assert code == 0 and (tmp_path / "r" / "report.html").is_file()
    assert len(pd.read_csv(tmp_path / "r" / "budget.csv")) == 5
    code, said, _ = superanimal(
        "behavior", "segment", file, "--motifs", "5", "--moseq", "--out", tmp_path / "m"
    )
    assert code == 0 and "motif 5: " in said and (tmp_path / "m" / "results.h5").is_file()
