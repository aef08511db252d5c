"""Take the pictures of the documentation from the real viewer.

    xvfb-run -a -s "-screen 0 1700x1200x24 +extension GLX +render -noreset" python docs/make_screenshots.py

Poses come from the embedded model, run over the sample video as any user would run it. With
``--screens FOLDER`` only the whole window with each dock is taken, as it is on small and on larger screens.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import napari
import numpy as np
from PIL import Image
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QProgressBar,
    QWidget,
)

import napari_superanimal as plugin
from napari_superanimal.docks.behavior.widget import FEATURES
from napari_superanimal.parts.pose_strip import PoseStrip
from napari_superanimal.pose_layer.playback import attach
from superanimal.samples import sample_path

IMAGES = Path(__file__).with_name("images")
THEMES = ("dark", "light")
SCREENS = ((1280, 800), (1400, 1000))
DOCKS = (
    "Estimate poses", "Display poses", "Keypoint mapping", "Fine-tune", "Adapt to video", "Gait", "Behaviour",
)  # fmt: skip
ZOOM = 3.2
TRAIL = 25
NEAR = 100
CONTROLS = (QLabel, QAbstractButton, QComboBox, QAbstractSpinBox, QProgressBar, PoseStrip)


def settle(seconds: float = 0.3) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def grab(widget: QWidget, name: str) -> None:
    settle()
    save(picture_of(widget), name)


def save(picture: Any, name: str) -> None:
    """Save a picture of the documentation in 256 colours."""
    path = IMAGES / f"{name}.png"
    picture.save(str(path))
    small(path)


def small(path: Path) -> None:
    """Reduce a picture to 256 colours, in place."""
    image = Image.open(path).convert("RGB")
    image.quantize(256, kmeans=4, dither=Image.Dither.NONE).save(path, optimize=True)


def picture_of(widget: QWidget) -> Any:
    """Return a picture of a widget without the empty room below its last control."""
    controls = [c for c in widget.findChildren(CONTROLS) if c.isVisible()]
    bottom = max(c.mapTo(widget, c.rect().bottomLeft()).y() for c in controls)
    picture = widget.grab()
    return picture.copy(0, 0, picture.width(), min(picture.height(), bottom + 14))


def look_at(viewer: Any, video: Any, center: np.ndarray, zoom: float) -> None:
    """Centre the camera on (x, y), as far as the video fills the whole canvas."""
    height, width = video.data.shape[1:3]
    canvas_height, canvas_width = viewer.screenshot(canvas_only=True, flash=False).shape[:2]
    zoom = max(zoom, canvas_height / height, canvas_width / width)
    half = np.array([canvas_width, canvas_height]) / zoom / 2
    x, y = np.clip(center, half - 0.5, np.array([width, height]) - half - 0.5)
    viewer.scene.camera.zoom = zoom
    viewer.scene.camera.center = (0, float(y), float(x))


def window(viewer: Any, name: str) -> None:
    settle()
    path = IMAGES / f"{name}.png"
    viewer.screenshot(str(path), canvas_only=False, flash=False)
    small(path)


def dock(viewer: Any, title: str) -> Any:
    return viewer.window.add_plugin_dock_widget("napari-superanimal", title)


def themed(viewer: Any, widget: QWidget, name: str) -> None:
    for theme in THEMES:
        viewer.theme = theme
        grab(widget, f"{name}_{theme}")


def screens(folder: Path) -> None:
    """Take the window with each dock on each screen, with a video, poses and labels at hand."""
    folder.mkdir(parents=True, exist_ok=True)
    for width, height in SCREENS:
        for title in DOCKS:
            viewer = napari.Viewer()
            viewer.window.resize(width, height)
            settle()
            sample = "sideview_horse" if title == "Gait" else "topview_mouse"
            poses = viewer.open_sample("napari-superanimal", sample)[-1]
            plugin.show_names(viewer, poses, title != "Gait")
            settle()
            _, widget = dock(viewer, title)
            settle(1.0)
            if title in ("Keypoint mapping", "Fine-tune"):
                widget.menu.use_layer(poses)
                settle(4.0)
            if title == "Gait":
                analyse_gait(viewer, widget)
            if title == "Behaviour":
                label_mouse(viewer, widget)
            size = viewer.window._qt_window.size()
            print(f"{title} on {width}x{height}: window {size.width()}x{size.height()}")
            name = f"{title.split()[0].lower()}_{width}x{height}"
            viewer.screenshot(str(folder / f"{name}.png"), canvas_only=False, flash=False)
            viewer.close()
            settle()


def analyse_gait(viewer: Any, widget: Any) -> None:
    """Analyse the sample horse, look at a stride and leave one out."""
    viewer.layers["sideview_horse hoof contacts"].visible = False
    widget.panel.run_button.click()
    while widget.panel.running:
        settle(0.05)
    if widget.session is None:
        raise SystemExit(f"{widget.panel.job.report} {list(widget.panel.job.log)}")
    widget.result.strides.selectRow(5)
    widget.result.toggle({widget.session.strides_of("animal0").index[9]})
    widget.result.tabs.setCurrentWidget(widget.result.phases)
    settle(1.0)


def gait() -> None:
    """Take the picture of docs/gait.md."""
    viewer = napari.Viewer()
    viewer.window.resize(1400, 960)
    settle()
    video = viewer.open_sample("napari-superanimal", "sideview_horse")[0]
    _, widget = dock(viewer, "Gait")
    settle(1.0)
    analyse_gait(viewer, widget)
    view = widget._view
    viewer.scene.camera.zoom = 2.0
    x = float(np.nanmean(view.table.xy[view.time, 0, :, 0]))
    viewer.scene.camera.center = (0, video.data.shape[1] / 2, x)
    window(viewer, "gait")
    viewer.close()


def label_mouse(viewer: Any, widget: Any) -> None:
    """Label what the sample mouse does by its speed, train on it and predict."""
    session, table = widget.session, widget._view.table
    center = np.nanmean(table.xy[:, 0], axis=1)
    speed = np.convolve(np.hypot(*np.gradient(center, axis=0).T), np.ones(9) / 9, "same")
    middle = np.nanmedian(speed)
    for name, on in (("rest", speed < middle), ("run", speed >= middle)):
        steps = np.diff(on.astype(int), prepend=0, append=0)
        for first, last in zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True):
            if last - first > 3:
                session.label_frames(name, int(first), int(last) - 1)
    widget._show_session()
    widget.train.other.setChecked(False)
    widget.tabs.setCurrentIndex(1)
    widget.train_model()
    while widget.panel.running:
        settle(0.05)
    widget.predict()
    while widget.panel.running:
        settle(0.05)
    widget._view.show_time(len(speed) // 3)
    settle(0.5)


def behavior() -> None:
    """Take the pictures of docs/behavior.md."""
    folder = Path(tempfile.mkdtemp())
    viewer = napari.Viewer()
    viewer.window.resize(1400, 900)
    settle()
    clip = Path(shutil.copy(sample_path("topview_mouse.mp4"), folder / "topview_mouse.mp4"))
    viewer.open_sample("napari-superanimal", "topview_mouse")
    viewer.layers.remove(next(layer for layer in viewer.layers if layer.ndim > 2 and hasattr(layer, "rgb")))
    video = plugin.open_video(viewer, clip)
    viewer.layers.move(viewer.layers.index(video), 0)
    area, widget = dock(viewer, "Behaviour")
    settle(1.0)
    label_mouse(viewer, widget)
    widget.tabs.setCurrentIndex(0)
    window(viewer, "behavior")
    widget.tabs.setCurrentIndex(1)
    grab(area, "behavior_train")
    widget.tabs.setCurrentIndex(2)
    widget.motifs.count.setValue(3)
    widget.find_motifs()
    while widget.panel.running:
        settle(0.05)
    motif = widget.session.motifs.summary["motif"].iloc[1]
    chosen = np.flatnonzero(widget.session.motifs.frames["motif"] == motif)[:40]
    widget.motifs.plot.choose(chosen)
    widget.motifs.plot.chosen.emit(chosen)
    grab(area, "behavior_motifs")
    widget.tabs.setCurrentIndex(FEATURES)
    layer = widget.layer.layer()
    widget.panel.begin(plugin.write_features(viewer, folder / "mouse_features.parquet", layer))
    while widget.panel.running:
        settle(0.05)
    widget.features.feature.setCurrentIndex(widget.features.feature.findText("speed.middle"))
    grab(area, "behavior_features")
    viewer.close()
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp())
    clip = Path(shutil.copy(sample_path("topview_mouse.mp4"), folder / "topview_mouse.mp4"))
    viewer = napari.Viewer()
    viewer.window.resize(1500, 960)
    area, widget = dock(viewer, "Estimate poses")
    area.setMinimumWidth(360)
    plugin.open_video(viewer, clip)
    themed(viewer, area, "estimate_ready")
    viewer.theme = "dark"

    widget.panel.run_button.click()
    run = widget._run()
    taken = QTimer()
    taken.setInterval(50)

    def while_running() -> None:
        if run.report.state == "running" and 0.3 < run.report.done / (run.report.total or 1) < 0.9:
            taken.stop()
            save(picture_of(area), "estimate_running_dark")

    taken.timeout.connect(while_running)
    taken.start()
    while run.report.running:
        settle(0.05)
    taken.stop()
    if run.report.state != "finished":
        raise SystemExit(f"the run {run.report.state}: {run.report.text} {list(run.job.log)}")

    layer = run.view.points
    second, display = dock(viewer, "Display poses")
    second.setMinimumWidth(360)
    display.trail_of.setCurrentText("tail_base")
    display.trails.setChecked(True)
    centers = np.nanmean(run.view.table.xy[:, 0], axis=1)
    far = np.hypot(*(centers - np.array(run.video.data.shape[2:0:-1]) / 2).T)
    moved = np.hypot(*(centers[TRAIL:] - centers[:-TRAIL]).T)
    frame = TRAIL + int(np.argmax(np.where(far[TRAIL:] < NEAR, moved, 0)))  # in the middle, with a long trail
    viewer.dims.set_point(0, frame)
    viewer.layers.selection.active = layer
    settle(0.5)
    look_at(viewer, run.video, centers[frame], ZOOM)
    window(viewer, "viewer")
    grab(second, "display_dark")

    layer.mode = "select"
    k = run.view.table.keypoints.index("nose")
    attach(viewer, layer).editing.move(
        np.array([frame * 27 + k]), run.view.table.xy[frame, 0, [k]] + [18, -14]
    )
    layer.selected_data = {frame * 27 + k}
    plugin.color_by(viewer, layer, "confidence")
    window(viewer, "editing_dark")
    viewer.close()
    gait()
    behavior()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--screens", type=Path, metavar="FOLDER", help="take the window on small screens only"
    )
    chosen = parser.parse_args().screens
    main() if chosen is None else screens(chosen)
