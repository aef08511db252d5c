from __future__ import annotations

from pathlib import Path

import pytest
from blobs import walk, write_video
from dots import tiny_model


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny network of random weights as a file, for which workers need no torch."""
    from superanimal.inference.onnx_export import export_onnx

    file = tmp_path_factory.mktemp("model") / "tiny.onnx"
    export_onnx(tiny_model(seed=3), file)
    return file


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two videos, of three chunks and of one."""
    folder = tmp_path_factory.mktemp("clips")
    return [
        write_video(folder / "long.mp4", walk(600, seed=2)),
        write_video(folder / "short.mp4", walk(40, seed=3)),
    ]
