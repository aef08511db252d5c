from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from superanimal.adaptation import adapt
from superanimal.errors import Cancelled
from superanimal.progress import Progress
from superanimal.samples import sample_path
from superanimal.video import VideoWriter, open_video

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty frames of the sample."""
    path = tmp_path_factory.mktemp("clip") / "mouse.mp4"
    with open_video(sample_path("topview_mouse.mp4")) as video:
        height, width = video.shape[1:3]
        with VideoWriter(path, width, height, 30) as writer:
            for frame in range(30):
                writer.write(np.asarray(video[frame]))
    return path


class Stopping(Progress):
    """Cancelled when the training begins."""

    def start(self, total: int | None, title: str = "", unit: str = "frames") -> None:
        super().start(total, title, unit)
        if unit == "steps":
            self.cancel()


def test_stopped_resumed_and_told(clip: Path, tmp_path: Path, superanimal: Call) -> None:
    out = tmp_path / "out"
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video")
    with pytest.raises(Cancelled):
        adapt(clip, "mini_topviewmouse", out=out, steps=2, device="cpu", progress=Stopping())
    code, said, _ = superanimal(
        "adapt", clip, broken, "--model", "mini_topviewmouse", "--steps", "2", "--device", "cpu", "--out", out
    )
    assert code == 0
    record = json.loads((out / "adaptation.json").read_text())
    assert record["training"]["steps"] == 2
    assert set(record["methods"]) == {"original", "median filter", "Kalman smoother", "adapted"}
    assert list(record["failed"]) == ["broken.mp4"]
    assert "broken.mp4" in said and record["verdict"][:40] in said
    assert ("entry.yaml" in {file.name for file in out.iterdir()}) == record["kept"]
    page = (out / "report.html").read_text("utf-8")
    for words in ("Held-out frames", "Jitter over time", "Before and after", "Kalman smoother"):
        assert words in page
