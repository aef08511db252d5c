"""The dock Gait, driven from the sample horse to the saved report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QFileDialog

import napari_superanimal as plugin
from napari_superanimal.docks.gait.ruler import RULER
from napari_superanimal.docks.gait.session import GaitSession
from napari_superanimal.docks.gait.widget import FORM, RESULT, STALE
from napari_superanimal.pose_layer.views import view_of
from superanimal.errors import InputError
from superanimal.gait import analyze
from superanimal.poses import make_poses
from superanimal.synth.gaits import generate

TRUTH = "sideview_horse truth"


def open_dock(viewer: Any) -> Any:
    return viewer.window.add_plugin_dock_widget("napari-superanimal", "Gait")[1]


def run(dock: Any, qtbot: Any) -> None:
    dock.panel.run_button.click()
    assert dock.panel.running, dock.message.text
    qtbot.waitUntil(lambda: not dock.panel.running, timeout=120_000)
    assert dock.panel.job.report.state == "finished", dock.message.text


def test_from_the_sample_to_the_report(viewer: Any, tmp_path: Path, monkeypatch: Any, qtbot: Any) -> None:
    viewer.open_sample("napari-superanimal", "sideview_horse")
    dock, layer = open_dock(viewer), viewer.layers[TRUTH]
    assert dock.tabs.currentIndex() == FORM and not dock.tabs.isTabEnabled(RESULT)
    assert dock.form.limbs.limbs == {
        "left_hind": ["back_left_paw"], "right_hind": ["back_right_paw"],
        "left_fore": ["front_left_paw"], "right_fore": ["front_right_paw"],
    }  # fmt: skip

    viewer.add_shapes([[[100, 100], [100, 200]]], shape_type="line", name=RULER)
    assert dock.form.scale_said.text() == "A line of 100 px is drawn: type how long it is."
    assert "metres_per_pixel" not in dock.form.options()  # no length is assumed
    dock.form.length.setValue(50)
    dock.form.known.setCurrentIndex(1)
    assert dock.form.options()["body_length_m"] == 0.5 and dock.form.draw_button.isHidden()
    dock.form.known.setCurrentIndex(0)
    assert "100 px are 0.5 m" in dock.form.scale_said.text()
    run(dock, qtbot)
    assert dock.tabs.currentIndex() == RESULT
    result = dock.session.result
    assert set(result.strides["gait"]) == {"walk"} and (result.strides["refused"] == "").all()
    assert result.strides["length_m"].median() == pytest.approx(result.strides["length_px"].median() / 200)
    assert dock.result.headline.text().startswith("walk · stride 1.12 s · 0.46 m long")

    # the rings are round the hooves that the sample knows to stand
    rings = view_of(layer).overlays["rings"][0]
    contacts = viewer.layers["sideview_horse hoof contacts"]
    at, agree = np.arange(40, 140), 0
    for frame in at:
        drawn = int((np.abs(rings.segments(int(frame), 0.0)).sum(axis=(1, 2)) > 0).sum()) // rings.corners
        agree += drawn == int((contacts.data[:, 0] == frame).sum())
    assert agree >= 0.85 * len(at)  # an event between two frames may round to either

    # a row of the table leads to its frame, a click into the diagram too
    table = dock.result.strides
    number = int(table.strides.strides.index[2])
    table.selectRow(2)
    start = result.strides["start_s"].iloc[number]
    assert viewer.dims.current_step[0] == round(start * 30)
    diagram = dock.result.footfalls
    point = QPoint(round(diagram.x_of(4.0)), 30)
    qtbot.mouseClick(diagram, Qt.MouseButton.LeftButton, pos=point)
    assert viewer.dims.current_step[0] == pytest.approx(120, abs=1)
    assert "stands" in diagram.tip_at(QPoint(round(diagram.x_of(1.5)), 5))

    limbs = [dock.result.joints.limb.itemText(k) for k in range(dock.result.joints.limb.count())]
    assert limbs == ["left hind", "right hind", "left fore", "right fore"]
    assert len(dock.result.joints.curves.panels[0].lines) >= 2  # an angle, and the line at the lift
    marks = [line for line in dock.result.phases.panels[0].lines if len(line.get_xdata()) > 2]
    assert len(marks) == 2 and np.allclose(np.concatenate([m.get_xdata() for m in marks]), 0.25, atol=0.03)

    # a stride left out is grey with the reason, and comes back
    dock.result.exclude_button.click()
    assert dock.session.excluded == {number}
    index = table.strides.index(2, table.strides.columnCount() - 1)
    assert index.data() == "left out by hand"
    assert dock.result.exclude_button.text() == "Take back"
    dock.result.undo_button.click()
    assert not dock.session.excluded and index.data() == "walk"
    dock.result.redo_button.click()

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *a: str(tmp_path))
    dock.result.save_button.click()
    folder = tmp_path / "sideview_horse_truth_gait"
    saved = pd.read_csv(folder / "strides.csv", keep_default_na=False)
    assert (saved["refused"] == "left out by hand").sum() == 1
    (folder / "strides.csv").write_text("mine")
    dock.result.save_button.click()  # asks first
    assert (folder / "strides.csv").read_text() == "mine" and dock.message.kind == "warning"
    dock.message.button.click()
    assert (folder / "strides.csv").read_text() != "mine"
    page = tmp_path / "horse"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a: (str(page), ""))
    dock.result.report_button.click()
    assert "walk" in page.with_suffix(".html").read_text(encoding="utf-8")

    # the end of a bar is dragged: stride, rings and slider follow; a bar is removed, and drawn again
    def bars() -> np.ndarray:
        own = dock.session.stances
        return own[own["limb"] == "left_hind"][["start_s", "end_s"]].to_numpy(float)

    def drag(start: float, stop: float, keys: Any = Qt.KeyboardModifier.NoModifier) -> None:
        at = [QPoint(round(diagram.x_of(time)), 10) for time in (start, stop)]
        qtbot.mousePress(diagram, Qt.MouseButton.LeftButton, keys, pos=at[0])
        qtbot.mouseMove(diagram, at[1])
        qtbot.mouseRelease(diagram, Qt.MouseButton.LeftButton, keys, pos=at[1])

    found = bars()
    (start, end), pixel = found[1], 1.5 / (diagram.x_of(1.0) - diagram.x_of(0.0))
    drag(end, end + 0.2)
    assert bars()[1] == pytest.approx([start, end + 0.2], abs=pixel)
    strides = dock.session.result.strides
    own = strides[(strides["limb"] == "left_hind") & (strides["start_s"] == start)]
    assert own["lift_s"].item() == bars()[1, 1] and dock.session.excluded == {number}
    rings = view_of(layer).overlays["rings"][0]
    assert rings.segments(round((end + 0.1) * 30), 0.0)[: rings.corners].any()  # stands longer on the video
    qtbot.mouseClick(diagram, Qt.MouseButton.LeftButton, pos=QPoint(round(diagram.x_of(start + 0.1)), 10))
    qtbot.keyClick(diagram, Qt.Key.Key_Delete)
    assert len(bars()) == len(found) - 1
    drag(start, end, Qt.KeyboardModifier.ShiftModifier)
    assert bars()[1] == pytest.approx([start, end], abs=pixel)
    for _ in range(3):
        qtbot.keyClick(diagram, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(bars(), found)
    assert dock.session.excluded == {number} and not dock.session.corrected

    # what was saved for BORIS comes back, and so do the events that it took the place of
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a: (str(folder / "stances.boris.tsv"), ""))
    dock.result.load_button.click()
    assert dock.session.corrected and dock.message.kind == "good", dock.message.text
    np.testing.assert_allclose(bars(), found, atol=1e-3)
    dock.result.undo_button.click()
    assert not dock.session.corrected
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a: (str(folder / "summary.csv"), ""))
    dock.result.load_button.click()
    assert dock.message.kind == "error" and not dock.session.corrected

    # corrections make it stale; a new analysis takes them and what was left out
    view_of(layer).editing.move(np.array([0]), np.array([[5.0, 5.0]]))
    assert dock.message.text.startswith(STALE)
    run(dock, qtbot)
    assert dock.session.excluded == {number}
    area = dock.parent()
    viewer.window.remove_dock_widget(area)  # what was left out outlives the dock
    dock = open_dock(viewer)
    assert dock.session.excluded == {number} and dock.tabs.currentIndex() == RESULT
    dock.result.on_video.setChecked(False)
    assert not view_of(layer).overlays["rings"][1].visible


def test_limbs_are_changed_by_hand_and_faults_are_told(viewer: Any, mouse_poses: Any, qtbot: Any) -> None:
    del mouse_poses.attrs["fps"]
    mouse_poses = mouse_poses.assign_coords(time=mouse_poses["frame"].values.astype(float))
    mouse_poses.attrs["time_unit"] = "frames"
    plugin.show_poses(viewer, mouse_poses)
    dock = open_dock(viewer)
    assert "No limb is recognised" in dock.form.doubt.text  # a mouse from above has no feet
    assert not dock.panel.run_button.isEnabled()
    dock.form.limbs.add()
    table = dock.form.limbs
    table.item(0, 0).setText("left")
    table.item(0, 1).setText("nosé")
    dock.panel.run_button.click()
    assert dock.message.kind == "error" and "nosé" in dock.message.text and not dock.panel.running
    table.item(0, 1).setText("nose, left_ear")
    mine = dock.layer.layer()
    other = plugin.show_poses(viewer, mouse_poses)
    dock.layer.choose(other)
    assert not table.limbs
    dock.layer.choose(mine)
    assert table.limbs == {"left": ["nose", "left_ear"]}
    dock.panel.run_button.click()
    assert "do not state a frame rate" in dock.message.text and "fps=" not in dock.message.text
    assert not dock.form.rate.isHidden()
    dock.form.length.setValue(10)
    dock.form.rate.setValue(25)
    dock.panel.run_button.click()
    assert "no known length is drawn" in dock.message.text.lower()
    table.selectRow(0)
    dock.form.remove_button.click()
    assert not table.limbs and not dock.panel.run_button.isEnabled()


def test_the_console_asks_for_one_layer(viewer: Any, mouse_poses: Any) -> None:
    with pytest.raises(InputError, match="0 pose layers"):
        plugin.analyze_gait(viewer)
    plugin.show_poses(viewer, mouse_poses)
    with pytest.raises(InputError, match="no limb is recognised"):
        plugin.analyze_gait(viewer)
    with pytest.raises(InputError, match="no layer 'horse'"):
        plugin.analyze_gait(viewer, "horse")


def test_an_animal_is_told_its_own_notes_and_the_speed_of_its_belt() -> None:
    walks = [generate("walk", fps=60, noise=0.3, strides=5, camera="follow", seed=seed) for seed in (1, 2)]
    position = np.stack([walk.position for walk in walks], axis=-1)
    position[..., 1] = np.nan
    poses = make_poses(position, keypoints=walks[0].keypoints, individuals=["Ada", "Bo"], fps=60)
    session = GaitSession(analyze(poses, metres_per_pixel=0.01), poses)
    speed = 0.01 * walks[0].stride / walks[0].period
    said = session.headline("Ada").split(" · ")
    assert float(said[-2].removeprefix("the ground moves at ").removesuffix(" m/s")) == pytest.approx(
        speed, rel=0.03
    )
    assert session.notes_of("Ada") == []
    (note,) = session.notes_of("Bo")
    assert note.startswith("no stride is kept in ")
