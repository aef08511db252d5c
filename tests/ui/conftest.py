"""Fixtures of tests that drive a real viewer. They need a display: run them under Xvfb when there is none."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from superanimal.poses import load_space, make_poses

HERE = Path(__file__).parent

# Mesa's software OpenGL and triton each bring an LLVM. A process that draws first and loads torch's compiler
# afterwards crashes, the other way round is well; tests of other rooms may follow in this process.
if find_spec("triton") is not None:
    import_module("triton._C.libtriton")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        skip = pytest.mark.skip(
            reason='no display: run under xvfb-run -a -s "-screen 0 1400x1000x24 +extension GLX"'
        )
        for item in items:
            if HERE in Path(item.path).parents:
                item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def napari_once() -> Iterator[None]:
    """Spare each viewer reading the manifests of all plugins again, and saving settings that are reset."""
    from napari.settings import NapariSettings
    from npe2 import PluginManifest

    found = list(PluginManifest.discover())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PluginManifest, "discover", lambda paths=(): iter(found))
        patch.setattr(NapariSettings, "_maybe_save", lambda settings: None)
        yield
    gc.unfreeze()


@pytest.fixture(scope="module", autouse=True)
def modules_stay() -> None:
    """Keep what is loaded out of the search for leaks that ends every test with a viewer."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def viewer(make_napari_viewer: Callable[..., Any]) -> Any:
    """A viewer that is shown, so that it is really drawn."""
    return make_napari_viewer(show=True)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models with one pose model of random weights: quick, and there before any is trained."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "models" / "imported" / "random_mouse"
    folder.mkdir(parents=True)
    subprocess.run(
        [sys.executable, str(HERE.parent / "support" / "random_model.py"), str(folder)], check=True
    )
    return home


@pytest.fixture
def random_model(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of the model with random weights, for this process and its children."""
    monkeypatch.setenv("SUPERANIMAL_HOME", str(home))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return "random_mouse"


@pytest.fixture
def clip(tmp_path: Path) -> Iterator[Path]:
    """The top-view mouse sample, in a folder of its own, because results are written beside it."""
    from superanimal.samples import sample_path

    source = Path(sample_path("topview_mouse.mp4"))
    yield Path(shutil.copy(source, tmp_path / "mouse.mp4"))


@pytest.fixture(scope="session")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small video of 900 frames: four chunks, so that there is time to cancel between two of them."""
    import av

    path = tmp_path_factory.mktemp("video") / "long.mp4"
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (128, 160, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 160, 128, "yuv420p"
        for i in range(900):
            frame = av.VideoFrame.from_ndarray(np.roll(picture, i, axis=1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def long_clip(long_video: Path, tmp_path: Path) -> Path:
    """The video of 900 frames, in a folder of its own."""
    return Path(shutil.copy(long_video, tmp_path / "long.mp4"))


@pytest.fixture
def mouse_poses() -> Any:
    """A walking mouse: 50 times, 27 keypoints, one animal, with boxes; one point is missing."""
    return make_mouse(50)


def make_mouse(n: int, individuals: int = 1, seed: int = 0) -> Any:
    """Return poses of mice that walk in circles."""
    rng = np.random.default_rng(seed)
    space = load_space("topviewmouse")
    angle = np.arange(n) / 20
    center = np.stack([320 + 120 * np.cos(angle), 240 + 90 * np.sin(angle)], axis=1)
    shape = rng.normal(0, 25, (1, 2, len(space), individuals))
    position = (center[:, :, None, None] + shape).astype(np.float32)
    position[n // 2, :, 3, 0] = np.nan
    confidence = rng.uniform(0.35, 1, (n, len(space), individuals)).astype(np.float32)
    confidence[n // 2, 3, 0] = np.nan
    corner = np.nanmin(position, axis=2)
    boxes = np.concatenate([corner, np.nanmax(position, axis=2) - corner], axis=1)
    return make_poses(
        position,
        confidence,
        keypoints=space.keypoints,
        individuals=[f"animal{i}" for i in range(individuals)],
        boxes=boxes,
        box_confidence=np.ones((n, individuals)),
        fps=25,
    )
