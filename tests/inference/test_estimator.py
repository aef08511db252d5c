from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from superanimal.inference import estimator
from superanimal.inference.estimator import Estimator


class Model:
    """Says of each crop how bright it is."""

    keypoints = ("a",)
    head = SimpleNamespace(pixel_shift=0.0)
    entry = SimpleNamespace(beyond_box=(), appendages=(), input_size=(8, 8), crop_margin=0)

    def heads(self, crops: np.ndarray, precision: str) -> dict[str, torch.Tensor]:
        return {"heatmap": torch.from_numpy(crops).float().mean((1, 2, 3))}


def test_memory_that_runs_out_while_decoding_makes_the_batch_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def decode(outputs: dict[str, torch.Tensor], head: Any, windows: Any, *, subpixel: bool) -> Any:
        number = len(outputs["heatmap"])
        sizes.append(number)
        assert len(windows.offset) == number
        if number > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        points = np.repeat(outputs["heatmap"].numpy()[:, None, None], 2, axis=2)
        return points, np.ones((number, 1))

    monkeypatch.setattr(estimator, "decode", decode)
    settings = SimpleNamespace(
        mode="enhanced", device="cpu", batch_size=8, precision="fp32", scales=(1.0,), flip=False
    )
    found = Estimator(Model(), None, settings, np.ones(1))  # type: ignore[arg-type]
    frames = [np.full((16, 16, 3), 10 * k, np.uint8) for k in range(10)]
    boxes = np.tile(np.array([2, 2, 8, 8], np.float32), (10, 1))
    points, confidence, _ = found._run(frames, list(range(10)), boxes)
    assert points[:, 0, 0].tolist() == [10.0 * k for k in range(10)]
    assert (confidence == 1).all()
    assert sizes[:3] == [8, 4, 2] and found.batches.size == 2
