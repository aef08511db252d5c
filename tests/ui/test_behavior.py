"""The dock Behaviour, driven from poses to labels, a classifier, predictions and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.backend_bases import MouseEvent
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QFileDialog

import napari_superanimal as plugin
from napari_superanimal.docks.behavior.region_layer import regions_of
from napari_superanimal.docks.behavior.widget import ANNOTATE, FEATURES, MOTIFS, RESULTS, TRAIN
from superanimal.behavior import check_bouts, read_annotations, write_annotations
from superanimal.errors import InputError
from superanimal.poses import make_poses

FPS, N = 10, 400
KEYPOINTS = ["nose", "left_ear", "right_ear", "neck", "mid_back", "tail_base"]
NO_KEY = Qt.KeyboardModifier.NoModifier


def runs(frame: int) -> bool:
    return frame // 25 % 2 == 1


def make_animals(individuals: int = 1, **options: Any) -> Any:
    """Return animals that rest and run in turns of 25 frames."""
    rng = np.random.default_rng(1)
    speed = np.array([12.0 if runs(k) else 0.0 for k in range(N)])
    heading = np.cumsum(speed) / 300
    center = 400 + np.cumsum(speed * np.stack([np.cos(heading), np.sin(heading)]), axis=1)
    along = np.array([40, 30, 30, 20, 0, -40.0])
    across = np.array([0, -8, 8, 0, 0, 0.0])
    x = center[0, :, None] + along * np.cos(heading)[:, None] - across * np.sin(heading)[:, None]
    y = center[1, :, None] + along * np.sin(heading)[:, None] + across * np.cos(heading)[:, None]
    position = np.stack([x, y], axis=1)[..., None] + 90 * np.arange(individuals)
    position = position + rng.normal(0, 0.5, position.shape)
    names = [f"animal{k}" for k in range(individuals)]
    return make_poses(
        position.astype(np.float32), np.ones((N, len(KEYPOINTS), individuals), np.float32),
        keypoints=KEYPOINTS, individuals=names, **{"fps": FPS, **options},
    )  # fmt: skip


def open_dock(viewer: Any, qtbot: Any) -> Any:
    dock = viewer.window.add_plugin_dock_widget("napari-superanimal", "Behaviour")[1]
    qtbot.waitUntil(dock.isVisible)
    return dock


def wait(dock: Any, qtbot: Any) -> None:
    assert dock.panel.running, dock.message.text
    qtbot.waitUntil(lambda: not dock.panel.running, timeout=120_000)
    assert dock.panel.job.report.state == "finished", dock.message.text


def test_from_labels_to_the_report(viewer: Any, tmp_path: Path, monkeypatch: Any, qtbot: Any) -> None:
    video = tmp_path / "mouse.mp4"
    layer = plugin.show_poses(viewer, make_animals(video_path=str(video)), name="mouse")
    dock = open_dock(viewer, qtbot)
    file = tmp_path / "mouse.bouts.csv"
    for name in ("rest", "run"):
        dock.annotate.add_button.click()
        table = dock.annotate.behaviors
        table.item(table.rowCount() - 1, 1).setText(name)
    assert list(dock.session.colors) == ["rest", "run"] and not file.exists()
    assert [one.key for one in dock.session.behaviors] == ["1", "2"]
    table.item(1, 0).setText("1")
    assert "two behaviours have the key 1" in dock.message.text.lower() and table.item(1, 0).text() == "2"
    table.item(1, 0).setText("r")

    # a key that is held while the slider moves labels, and so do two taps; napari does not see the keys
    canvas, mode = viewer.window._qt_viewer.canvas.native, layer.mode
    viewer.dims.set_current_step(0, 25)
    qtbot.keyPress(canvas, Qt.Key.Key_R)
    viewer.dims.set_current_step(0, 30)
    bar = dock.lanes.tip_at(QPoint(round(dock.lanes.x_of(2.8)), 30))
    assert bar == "run: 2.500 to 3.100 s, lasts 0.600 s; being labelled"
    viewer.dims.set_current_step(0, 49)
    qtbot.keyRelease(canvas, Qt.Key.Key_R)
    assert dock.session.own()[["start_s", "end_s", "label"]].to_numpy().tolist() == [[2.5, 5.0, "run"]]
    viewer.dims.set_current_step(0, 0)
    qtbot.keyClick(canvas, Qt.Key.Key_1)
    viewer.dims.set_current_step(0, 20)
    qtbot.keyClick(canvas, Qt.Key.Key_1)
    assert layer.mode == mode
    assert read_annotations(file)["end_s"].tolist() == [2.1, 5.0]  # saved as they come
    line = dock.annotate.rater.lineEdit()
    line.setFocus()
    qtbot.keyClicks(line, "r1")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert dock.session.rater == "r1" and len(dock.session.own()) == 2

    # borders are dragged, a bar is removed, drawn, and everything undone
    lanes = dock.lanes

    def drag(row: int, start: float, stop: float, keys: Any = NO_KEY) -> None:
        at = [QPoint(round(lanes.x_of(time)), 22 * row + 10) for time in (start, stop)]
        qtbot.mousePress(lanes, Qt.MouseButton.LeftButton, keys, pos=at[0])
        qtbot.mouseMove(lanes, at[1])
        qtbot.mouseRelease(lanes, Qt.MouseButton.LeftButton, keys, pos=at[1])

    before = dock.session.bouts
    lanes._look(0.0, 8.0)
    drag(0, 2.1, 2.5)
    assert dock.session.own()["end_s"].tolist() == [2.5, 5.0]
    drag(0, 5.05, 7.45, Qt.KeyboardModifier.ShiftModifier)
    assert dock.session.own()[["start_s", "end_s"]].to_numpy()[-1] == pytest.approx([5.0, 7.5])
    qtbot.mouseClick(lanes, Qt.MouseButton.LeftButton, pos=QPoint(round(lanes.x_of(3.01)), 32))
    assert viewer.dims.current_step[0] == 30
    qtbot.keyClick(lanes, Qt.Key.Key_Delete)
    assert dock.session.own()["label"].tolist() == ["rest", "rest"]
    for _ in range(3):
        qtbot.keyClick(lanes, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    pd.testing.assert_frame_equal(dock.session.bouts, before)
    assert len(read_annotations(file)) == 2

    # labels come in from a file and go out for BORIS
    starts = np.arange(0, N, 25)
    kinds = ["run" if runs(k) else "rest" for k in starts]
    whole = check_bouts(pd.DataFrame({"start_s": starts / FPS, "end_s": (starts + 25) / FPS, "label": kinds}))
    write_annotations(whole.assign(rater="r1"), tmp_path / "other.csv")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a: (str(tmp_path / "other.csv"), ""))
    dock.annotate.import_button.click()
    assert len(dock.session.own()) == len(whole), dock.message.text
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *a: (str(tmp_path / "out"), "BORIS project (*.boris)")
    )
    dock.annotate.export_button.click()
    assert len(read_annotations(tmp_path / "out.boris")) == len(whole)

    # a classifier
    dock.tabs.setCurrentIndex(TRAIN)
    assert dock.train.ticked == ["rest", "run"]
    dock.train.other.setChecked(False)
    dock.train.classifier.setCurrentIndex(dock.train.classifier.findData("logistic"))
    dock.train.name.setText("running")
    dock.panel.run_button.click()
    wait(dock, qtbot)
    assert (tmp_path / "running").is_dir() and "macro F1" in dock.train.score_said.text()
    assert [dock.train.scores.item(k, 0).text() for k in range(2)] == ["rest", "run"]
    assert float(dock.train.scores.item(1, 1).text()) > 0.8
    assert "one recording" in dock.train.doubt.text  # how far it is to be trusted
    dock.panel.run_button.click()
    assert "exists already" in dock.message.text and not dock.panel.running
    dock.train.predict_button.click()
    wait(dock, qtbot)
    found = dock.session.predicted
    said = np.zeros(N, bool)
    for start, end in found.loc[found["label"] == "run", ["start_s", "end_s"]].to_numpy():
        said[round(start * FPS) : round(end * FPS)] = True
    assert (said == [runs(k) for k in range(N)]).mean() > 0.9
    assert list(lanes._lanes) == ["rest", "rest, model", "run", "run, model"]

    # raters are compared
    dock.tabs.setCurrentIndex(ANNOTATE)
    dock.annotate.check_button.click()
    assert "between labels and motion" in dock.message.text  # they are periodic: no shift is the right one
    write_annotations(whole.assign(rater="r2"), tmp_path / "second.csv")
    dock.session.take_in(tmp_path / "second.csv")
    dock.annotate.check_button.click()
    assert "run: kappa 1.00, frame F1 1.00" in dock.message.text
    dock.undo()
    dock._on_rater("r1")

    # motifs: found, chosen in the plane, played
    dock.tabs.setCurrentIndex(MOTIFS)
    tab = dock.motifs
    assert not tab.play_button.isEnabled()
    tab.count.setValue(2)
    tab.find_button.click()
    wait(dock, qtbot)
    assert tab.table.rowCount() == 2 and len(dock.session.motifs.frames) == N
    tab.plot.draw()
    places = tab.plot.panels[0].transData.transform(dock.session.motifs.frames[["x", "y"]].to_numpy())
    inside = tab.plot.panels[0].bbox

    def mouse(kind: str, at: Any) -> None:
        tab.plot.callbacks.process(kind, MouseEvent(kind, tab.plot, *at, button=1))

    mouse("button_press_event", places[60])
    mouse("button_release_event", places[60])
    assert viewer.dims.current_step[0] == tab.plot.rows[0]
    mouse("button_press_event", (inside.x0 + 1, inside.y0 + 1))
    mouse("motion_notify_event", (inside.x1 - 1, inside.y1 - 1))
    mouse("button_release_event", (inside.x1 - 1, inside.y1 - 1))
    assert len(tab.plot.rows) == N and tab.play_button.isEnabled()
    viewer.dims.set_current_step(0, 300)
    tab.play_button.click()
    qtbot.waitUntil(lambda: viewer.dims.current_step[0] < 20)
    assert tab.playing and tab.play_button.text() == "Stop"
    tab.play_button.click()
    assert not tab.playing

    # regions are drawn in the picture, and named
    dock.tabs.setCurrentIndex(RESULTS)
    dock.results.draw_button.click()
    shapes = viewer.layers["regions"]
    shapes.add_rectangles([[300, 300], [300, 900], [900, 900], [900, 300]])
    shapes.add_polygons([[400, 400], [500, 400], [500, 500.0]])
    assert dock.results.regions.text() == "arena, region 1"
    dock.results.regions.selectAll()
    qtbot.keyClicks(dock.results.regions, "arena, food")
    qtbot.keyClick(dock.results.regions, Qt.Key.Key_Return)
    regions = regions_of(viewer, layer)
    assert list(regions.polygons) == ["food"] and regions.arena[2].tolist() == [900, 900]
    shapes.selected_data = {1}
    shapes.add_rectangles([[600, 600], [600, 700], [700, 700], [700, 600]])  # not a second "food"
    assert dock.results.regions.text() == "arena, food, region 1"
    shapes.selected_data = {0}
    shapes.remove_selected()  # names stay with their shapes
    assert dock.results.regions.text() == "food, region 1"
    shapes.add_rectangles([[300, 300], [300, 900], [900, 900], [900, 300]])
    dock.results.regions.selectAll()
    qtbot.keyClicks(dock.results.regions, "food, nest, arena")
    qtbot.keyClick(dock.results.regions, Qt.Key.Key_Return)

    # results
    dock.tabs.setCurrentIndex(RESULTS)
    dock.results.bouts.setCurrentCell(3, 0)
    assert viewer.dims.current_step[0] == 75
    assert dock.results.budget.item(1, 1).text() == "50.0%"
    dock.results.source.setCurrentIndex(1)
    assert dock.results.bouts.rowCount() == len(found)
    page = tmp_path / "page"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a: (str(page), ""))
    dock.results.report_button.click()
    wait(dock, qtbot)
    written = page.with_suffix(".html").read_text(encoding="utf-8")
    assert "run" in written and "periphery" in written and "food" in written

    # another program changes the file: nothing of it is lost, and the user decides
    file.write_text(file.read_text() + "39,39.5,rest,,,r1,\n")
    dock.annotate.undo_button.click()
    assert "changed by another program" in dock.message.text and "39.5" in file.read_text()
    dock.message.button.click()
    assert len(read_annotations(file)) == 2 and not dock.message.text

    # labels are there again when the video is opened next time
    viewer.layers.remove(layer)
    plugin.show_poses(viewer, make_animals(video_path=str(video)))
    assert dock.session.rater == "r1" and len(dock.session.own()) == 2
    assert dock.session.behaviors[1].key == "R"


def test_bad_files_and_unknown_rates_are_told(viewer: Any, tmp_path: Path, qtbot: Any) -> None:
    (tmp_path / "two.bouts.csv").write_text("my,own\n1,2\n")
    poses = make_animals(2, video_path=str(tmp_path / "two.mp4"))
    del poses.attrs["fps"]
    poses = poses.assign_coords(time=np.arange(N, dtype=float))
    poses.attrs["time_unit"] = "frames"
    plugin.show_poses(viewer, poses)
    dock = open_dock(viewer, qtbot)
    assert dock.session is None and not dock.tabs.isEnabled() and not dock.rate.isHidden()
    dock.rate.setValue(FPS)
    dock.rate.editingFinished.emit()
    assert dock.tabs.isEnabled() and "was not written here" in dock.message.text
    dock.annotate.add_button.click()
    assert (tmp_path / "two.bouts.csv").read_text() == "my,own\n1,2\n"  # not overwritten
    dock.animal.setCurrentText("animal1")
    dock.session.add("rest", 1.0, 2.0, "animal1")
    assert dock.session.own("animal0").empty and len(dock.session.own("animal1")) == 1
    (tmp_path / "two.bouts.csv").unlink()
    dock.message.button.click()
    assert read_annotations(tmp_path / "two.bouts.csv")["individual"].tolist() == ["animal1"]
    write_annotations(dock.session.bouts.assign(individual="Tom"), tmp_path / "tom.csv")
    with pytest.raises(InputError, match="labels of Tom"):
        dock.session.take_in(tmp_path / "tom.csv")
    with pytest.raises(InputError, match="nothing is predicted"):
        plugin.report_behavior(viewer, tmp_path / "page.html", predicted=True)
    assert dock.tabs.currentIndex() == ANNOTATE


def test_features_are_computed_and_drawn_over_time(
    make_napari_viewer: Any, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = make_napari_viewer(show=True)
    plugin.show_poses(viewer, make_animals())
    dock = open_dock(viewer, qtbot)
    dock.tabs.setCurrentIndex(FEATURES)
    tab, out = dock.features, tmp_path / "mouse_features.parquet"
    assert not tab.feature.isEnabled()
    monkeypatch.setattr(
        QFileDialog,
        "getSaveFileName",
        staticmethod(lambda *_: (str(out.with_suffix("")), "Parquet (*.parquet)")),
    )
    qtbot.mouseClick(tab.compute_button, Qt.MouseButton.LeftButton)
    wait(dock, qtbot)
    assert str(out) in dock.message.text
    tab.feature.setCurrentIndex(tab.feature.findText("speed.middle"))
    time, values, title = tab.plot._curve
    assert title.startswith("speed.middle, ") and len(time) == N
    moving = np.array([runs(k) for k in range(N)])
    assert np.nanmedian(values[moving]) > 5 * np.nanmedian(values[~moving])
    tab.plot.draw()
    x, y = tab.plot.panels[0].transData.transform((20.04, float(np.nanmean(values))))
    tab.plot.callbacks.process(
        "button_press_event", MouseEvent("button_press_event", tab.plot, x, y, button=1)
    )
    assert viewer.dims.current_step[0] == 200
    assert tab.plot._line.get_xdata()[0] == pytest.approx(20.0)
    out.unlink()
    tab.feature.setCurrentIndex(0)
    assert "no file of features" in dock.message.text and not tab.feature.isEnabled()
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    monkeypatch.setattr(
        QFileDialog, "getOpenFileName", staticmethod(lambda *_: (str(tmp_path / "other.csv"), ""))
    )
    qtbot.mouseClick(tab.open_button, Qt.MouseButton.LeftButton)
    assert "no file of features" in dock.message.text
