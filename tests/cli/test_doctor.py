from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

Call = Callable[..., tuple[int, str, str]]


def test_doctor(superanimal: Call) -> None:
    code, out, _ = superanimal("doctor", "--frames", "6", "--device", "cpu")
    assert code == 0
    for words in (
        "torch",
        "h264",
        "short run on cpu (",
        "backend of mini_quadruped",
        "frames/s",
        "in 6 frames",
    ):
        assert words in out
    assert torch.__version__.split("+")[0] in out


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_doctor_for_a_missing_device(superanimal: Call) -> None:
    code, out, err = superanimal("doctor", "--device", "cuda")
    assert code == 7
    assert "devices" in out and "'cuda' was requested" in err
