from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import napari_superanimal as plugin
from napari_superanimal.docks.adapt.widget import AdaptWidget
from superanimal.formats import load_poses
from superanimal.samples import sample_path
from superanimal.video import VideoWriter, open_video


@pytest.fixture
def dock(make_napari_viewer: Any, tmp_path: Path) -> AdaptWidget:
    """The dock with thirty frames of the sample mouse."""
    path = tmp_path / "mouse.mp4"
    with open_video(sample_path("topview_mouse.mp4")) as video:
        height, width = video.shape[1:3]
        with VideoWriter(path, width, height, 30) as writer:
            for frame in range(30):
                writer.write(np.asarray(video[frame]))
    viewer = make_napari_viewer(show=False)
    widget = AdaptWidget(viewer)
    assert widget.pages.currentIndex() == 0
    plugin.open_video(viewer, path)
    assert widget.pages.currentIndex() == 1
    return widget


@pytest.mark.slow
def test_from_a_video_to_the_verdict(dock: AdaptWidget, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    qtbot.addWidget(dock)
    real = plugin.console.adapt
    monkeypatch.setattr(plugin.console, "adapt", lambda *a, **k: real(*a, **k, steps=1))
    dock.model.choose("mini_topviewmouse")
    assert not dock.corrected.isEnabled()
    dock.panel.run_button.click()
    qtbot.waitUntil(lambda: not dock.panel.running, timeout=240_000)
    assert dock.panel.job is not None
    assert dock.panel.job.report.state == "finished", dock.panel.job.report.text
    assert dock.message.text.startswith(("Kept", "Not kept"))
    assert dock.use_button.isEnabled() == dock.result["kept"]
    dock.compare_button.click()
    before, after = dock.viewer.layers["before"], dock.viewer.layers["after"]
    assert (before.visible, after.visible) == (False, True)
    assert not dock.viewer.layers["before skeleton"].visible
    plugin.blink(dock.viewer)
    assert (before.visible, after.visible) == (True, False)
    held_out = load_poses(Path(dock.result["folder"]) / "before.nc")
    assert held_out["frame"].values.tolist() == [6, 7, 8, 21, 22, 23]
    plugin.show_poses(dock.viewer, held_out, name="mine")
    dock.corrected.setChecked(True)
    dock.poses.choose(dock.viewer.layers["mine"])
    dock.panel.run_button.click()
    assert "Nothing in 'mine' was corrected" in dock.message.text
    dock.close()
