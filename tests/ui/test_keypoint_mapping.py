"""Mapping keypoints in the viewer: menu, mouse, keys, files, and one real matching by the embedded model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QImage, QMouseEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog

import napari_superanimal as plugin
from napari_superanimal.docks.mapping.job import MatchJob
from napari_superanimal.docks.mapping.pair_table import DOUBTS, MARGIN, SCORE, TARGET
from napari_superanimal.docks.mapping.session import MINE, MODEL
from napari_superanimal.docks.mapping.widget import KeypointMappingWidget
from superanimal.keypoints.conversion_table import Cell, load_table
from superanimal.keypoints.mapping import KeypointMapping
from superanimal.keypoints.matching.match import match_predictions
from superanimal.labels import LabelledSet, materialize, synthetic_labels
from superanimal.poses import load_space

PATIENCE_MS = 240_000  # loading torch takes minutes on a machine under heavy load
OWN = {"nose": "snout", "left_ear": "earL", "right_ear": "earR", "neck": "collar", "tail_base": "tailroot"}
OWN_BACK = {**{own: name for name, own in OWN.items()}, "implant": "neck"}

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> LabelledSet:
    """Ten rendered mice with all 27 keypoints."""
    return synthetic_labels(tmp_path_factory.mktemp("pictures"), 10, size=(200, 260), seed=3)


@pytest.fixture(scope="session")
def labels(pictures: LabelledSet) -> LabelledSet:
    """The mice as a lab labelled them: five points under other names, and an implant beside the neck."""
    keep = [pictures.keypoints.index(name) for name in OWN]
    xy, seen = pictures.xy[:, keep], pictures.visibility[:, keep]
    neck = list(OWN).index("neck")
    return pictures.with_columns(
        name="ourlab",
        keypoints=(*OWN.values(), "implant"),
        xy=np.concatenate([xy, xy[:, [neck]] + [9, -14]], axis=1),
        visibility=np.concatenate([seen, seen[:, [neck]]], axis=1),
    )


@pytest.fixture
def widget(viewer: Any, qtbot: Any) -> KeypointMappingWidget:
    area, widget = viewer.window.add_plugin_dock_widget("napari-superanimal", "Keypoint mapping")
    area.setMinimumWidth(460)
    return widget


@pytest.fixture
def matched(widget: KeypointMappingWidget, labels: LabelledSet, pictures: LabelledSet, qtbot: Any) -> Any:
    """The widget with our labels, matched with a model that is never wrong."""
    widget.menu.read.emit(labels, "memory")
    truth = pictures.to_poses()
    truth["confidence"] = truth["position"].isel(space=0, drop=True).notnull().astype("float32")
    widget.session.take(match_predictions(labels, truth), truth)
    widget.canvas.setMinimumHeight(480)  # points lie apart on it
    qtbot.wait(50)
    widget._show(fit=True)
    qtbot.wait(50)
    return widget


def row_of(widget: KeypointMappingWidget, keypoint: str) -> int:
    return [row.keypoint for row in widget.table._rows].index(keypoint)


def text(widget: KeypointMappingWidget, keypoint: str, column: int) -> str:
    return widget.table.item(row_of(widget, keypoint), column).text()


def mouse(canvas: Any, kind: QEvent.Type, at: QPointF, held: bool) -> None:
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    button = none if kind == QEvent.Type.MouseMove else left
    where = QPointF(canvas.mapToGlobal(at.toPoint()))
    event = QMouseEvent(kind, at, where, button, left if held else none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(canvas, event)
    QApplication.processEvents()


def drag(canvas: Any, start: QPointF, stop: QPointF) -> None:
    mouse(canvas, QEvent.Type.MouseMove, start, held=False)
    mouse(canvas, QEvent.Type.MouseButtonPress, start, held=True)
    for part in (0.3, 0.7, 1.0):
        mouse(canvas, QEvent.Type.MouseMove, start + (stop - start) * part, held=True)
    mouse(canvas, QEvent.Type.MouseButtonRelease, stop, held=False)


def wheel(canvas: Any, at: QPointF, turn: int) -> None:
    event = QWheelEvent(
        at,
        QPointF(canvas.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, turn),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)


class Near:
    """Equal to a position within half a pixel."""

    def __init__(self, at: QPointF) -> None:
        self.at = at

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, QPointF)
        return abs(other.x() - self.at.x()) < 0.5 and abs(other.y() - self.at.y()) < 0.5

    def __repr__(self) -> str:
        return f"near {self.at}"


def click(canvas: Any, at: QPointF) -> None:
    drag(canvas, at, at)


def loneliest(widget: KeypointMappingWidget, side: str, names: list[str]) -> str:
    """Return the name whose point no neighbour can be taken for."""
    everyone = list(widget.canvas.picture.points(side))
    place = {name: widget.canvas.position(side, name) for name in everyone}

    def room(name: str) -> float:
        gaps = [place[name] - place[other] for other in everyone if other != name]
        return min(float(np.hypot(gap.x(), gap.y())) for gap in gaps)

    return max(names, key=room)


def press(widget: KeypointMappingWidget, key: Qt.Key, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(widget.table, key, modifier)
    QApplication.processEvents()


def answer(monkeypatch: pytest.MonkeyPatch, dialog: str, path: Path) -> None:
    monkeypatch.setattr(QFileDialog, dialog, lambda *_, **__: (str(path), ""))


# ---------------------------------------------------------------- labels in


def test_nothing_is_open_at_first_and_the_menu_lists_labelled_layers(
    viewer: Any, widget: KeypointMappingWidget, mouse_poses: Any
) -> None:
    assert widget.pages.currentIndex() == 0
    assert [action.text() for action in widget.menu.actions()] == ["File…", "Folder…"]
    viewer.add_points(np.zeros((3, 2)), name="cells")
    plugin.show_poses(viewer, mouse_poses, name="mouse")
    widget.menu.refresh()
    assert [action.text() for action in widget.menu.actions()][2:] == ["", "Layer: mouse"]


def test_a_file_that_holds_no_labels_is_told_on_the_empty_page(
    widget: KeypointMappingWidget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("snout")
    answer(monkeypatch, "getOpenFileName", path)
    widget.menu.actions()[0].trigger()
    assert widget.empty_message.text == "Reading notes.txt…" and not widget.empty_open.isEnabled()
    qtbot.waitUntil(lambda: not widget.menu.busy, timeout=PATIENCE_MS)
    assert widget.empty_message.kind == "error" and widget.empty_open.isEnabled()
    assert "notes.txt" in widget.empty_message.text and "Traceback" not in widget.empty_message.text


def test_a_folder_is_read_and_mapped_by_names_first(
    widget: KeypointMappingWidget,
    labels: LabelledSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: Any,
) -> None:
    materialize(labels, tmp_path / "set", to="coco")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, **__: str(tmp_path / "set"))
    widget.menu.actions()[1].trigger()
    qtbot.waitUntil(lambda: widget.session is not None, timeout=PATIENCE_MS)
    assert widget.pages.currentIndex() == 1
    assert text(widget, "snout", TARGET) == "nose"
    assert text(widget, "implant", TARGET) == "–" and text(widget, "implant", DOUBTS) == "not mapped"
    assert "10" in widget.most_caption.text()
    widget.most.setValue(4)
    assert len(widget.session.labels) == 4
    assert widget.canvas.picture.note.startswith("Press Auto-match")


def test_a_labelled_layer_over_images_of_the_viewer(
    viewer: Any, widget: KeypointMappingWidget, labels: LabelledSet
) -> None:
    stack = np.stack([labels.pixels(i) for i in range(3)])
    points = labels.xy[[labels.animals_of(i)[0] for i in range(3)]]
    data = [(i, y, x) for i in range(3) for x, y in points[i] if np.isfinite(x)]
    names = [k for i in range(3) for k, (x, _) in zip(labels.keypoints, points[i], strict=True) if x == x]
    layer = viewer.add_points(data, features={"keypoint": names}, name="mine")
    widget.menu.use_layer(layer)
    assert widget.empty_message.kind == "error" and "no image" in widget.empty_message.text
    viewer.add_image(stack, rgb=True, name="pictures")
    widget.menu.use_layer(layer)
    assert set(widget.session.mapping.keypoints) == set(names)
    np.testing.assert_array_equal(widget.canvas.picture.image, stack[0])
    widget.next_button.click()
    np.testing.assert_array_equal(widget.canvas.picture.image, stack[1])
    assert widget.place.text().startswith("2 of 3")


def test_a_labelled_layer_over_a_video_reads_the_video(
    viewer: Any, widget: KeypointMappingWidget, clip: Path, mouse_poses: Any
) -> None:
    video = plugin.open_video(viewer, clip)
    plugin.show_poses(viewer, mouse_poses, name="mouse")
    widget.menu.refresh()
    widget.menu.actions()[-1].trigger()
    assert widget.session.labels.images[0].path == str(clip)
    np.testing.assert_array_equal(widget.canvas.picture.image, np.asarray(video.data[0]))
    assert "50" in widget.most_caption.text()
    assert not widget.session.mapping.unmapped, "these are the names of the space"


def test_missing_pictures_are_told_and_the_table_still_works(
    widget: KeypointMappingWidget, labels: LabelledSet
) -> None:
    gone = labels.with_columns(images=[type(image)("/gone.png") for image in labels.images])
    widget.menu.read.emit(gone, "memory")
    assert "gone.png" in widget.canvas.picture.note
    widget.assign("implant", "mid_back")
    assert text(widget, "implant", TARGET) == "mid_back"


# ---------------------------------------------------------------- pictures and mouse


def test_the_matching_is_drawn(matched: KeypointMappingWidget, labels: LabelledSet) -> None:
    assert {own: matched.session.mapping.target(own) for own in OWN.values()} == {
        v: k for k, v in OWN.items()
    }
    assert text(matched, "snout", SCORE) == "1.00" and text(matched, "snout", MARGIN) == "1.00"
    space, shot = load_space("topviewmouse"), QImage(matched.canvas.grab().toImage())
    ratio = shot.width() / matched.canvas.width()
    picture = matched.canvas.picture
    for side, names in ((MINE, list(OWN.values())), (MODEL, list(OWN))):
        name = loneliest(matched, side, [n for n in names if n in picture.points(side)])
        target = picture.targets.get(name, name)
        at = matched.canvas.position(side, name) * ratio
        expected = space.colors[space.index(target)]
        assert shot.pixelColor(at.toPoint()).name() == expected, (side, name)
    shared = 0
    for animal in matched.session.animals.tolist():  # each animal's own points, on both sides
        drawn = matched.session.picture(animal)
        marked = np.array(labels.keypoints)[labels.labelled[animal]]
        assert set(drawn.mine) == set(marked.tolist())
        for k, (name, own) in enumerate(OWN.items()):
            if own in drawn.mine:
                assert drawn.model[name] == drawn.mine[own] == tuple(labels.xy[animal, k])
        shared += len(labels.animals_of(labels.image_index[animal])) > 1
    assert shared > 1, "some pictures show several mice"


def test_a_drag_maps_again_undo_takes_it_back_and_a_click_chooses(matched: KeypointMappingWidget) -> None:
    canvas = matched.canvas
    own = loneliest(matched, MINE, [name for name in OWN.values() if name in canvas.picture.mine])
    free = [name for name in canvas.picture.model if name not in OWN]
    other = loneliest(matched, MODEL, free)
    before = matched.session.mapping.target(own)
    drag(canvas, canvas.position(MINE, own), canvas.position(MODEL, other))
    assert text(matched, own, TARGET) == other and matched.table.current == own
    QTest.keyClick(matched.table, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert text(matched, own, TARGET) == before
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(matched.table, Qt.Key.Key_Z, both)
    assert text(matched, own, TARGET) == other
    matched.undo_button.click()
    drag(canvas, canvas.position(MODEL, other), canvas.position(MINE, own))  # the other way round
    assert text(matched, own, TARGET) == other
    matched.table.choose(next(name for name in OWN.values() if name != own))
    click(canvas, canvas.position(MINE, own))
    assert matched.table.current == own
    drag(canvas, canvas.position(MINE, own), QPointF(2, canvas.height() - 2))  # into the void: nothing
    assert text(matched, own, TARGET) == other


def test_wheel_and_drag_move_both_pictures_and_a_double_click_shows_all(
    matched: KeypointMappingWidget, qtbot: Any
) -> None:
    canvas = matched.canvas
    own = loneliest(matched, MINE, list(canvas.picture.mine))
    other = next(name for name in canvas.picture.model if name != OWN_BACK[own])
    at, far = canvas.position(MINE, own), canvas.position(MODEL, other)
    wheel(canvas, at, 240)
    assert canvas.position(MINE, own) == Near(at)
    assert canvas.position(MODEL, other) != Near(far)
    corner = QPointF(3, 3)
    assert canvas._near(corner) is None, "no point is there"
    drag(canvas, corner, corner + QPointF(20, 10))
    assert canvas.position(MINE, own) == Near(at + QPointF(20, 10))
    mouse(canvas, QEvent.Type.MouseButtonDblClick, corner, held=True)
    assert canvas.position(MINE, own) == Near(at)
    assert canvas.position(MODEL, other) == Near(far)


# ---------------------------------------------------------------- keyboard


def test_everything_by_keyboard(matched: KeypointMappingWidget, qtbot: Any) -> None:
    mapping = matched.session.mapping
    matched.table.setFocus()
    matched.table.choose("snout")
    press(matched, Qt.Key.Key_Down)
    assert matched.table.current == "earL"
    press(matched, Qt.Key.Key_Delete)
    assert mapping.target("earL") == "" and matched.table.current == "earL"

    press(matched, Qt.Key.Key_Return)  # Enter, part of a name, Enter
    editor = matched.table.indexWidget(matched.table.currentIndex())
    QTest.keyClicks(editor, "left_ear_t")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: mapping.target("earL") == "left_ear_tip")

    press(matched, Qt.Key.Key_L)  # typing opens the choice; Escape leaves everything as it is
    editor = matched.table.indexWidget(matched.table.currentIndex())
    assert editor.text() == "l" and editor.completer().completionCount() > 5
    QTest.keyClick(editor.completer().popup(), Qt.Key.Key_Escape)
    QTest.keyClick(editor, Qt.Key.Key_Escape)
    qtbot.wait(20)
    assert mapping.target("earL") == "left_ear_tip"

    press(matched, Qt.Key.Key_L)
    editor = matched.table.indexWidget(matched.table.currentIndex())
    QTest.keyClicks(editor, "eft_ear")
    QTest.keyClick(editor.completer().popup(), Qt.Key.Key_Down)  # the first of the list
    QTest.keyClick(editor.completer().popup(), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: mapping.target("earL") == "left_ear")

    matched.table.choose("implant")
    press(matched, Qt.Key.Key_N, Qt.KeyboardModifier.ShiftModifier)
    assert text(matched, "implant", TARGET) == "implant (new)"
    assert "1 new" in matched.summary.text()
    QTest.keyClick(matched.table, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert "new" not in matched.summary.text()

    before = matched.place.text()
    QTest.keyClick(matched.table, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert matched.place.text() != before
    QTest.keyClick(matched.table, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert matched.place.text() == before


@pytest.mark.parametrize(("typed", "message"), [("ear", "'ear' may be"), ("hoof", "Did you mean")])
def test_a_name_that_is_not_clear_is_never_guessed(
    matched: KeypointMappingWidget, qtbot: Any, typed: str, message: str
) -> None:
    before = matched.session.mapping.target("snout")
    matched.enter("snout", typed)
    assert message in matched.message.text and matched.message.kind == "error"
    assert matched.session.mapping.target("snout") == before


# ---------------------------------------------------------------- warnings and files


def test_conflicts_are_shown_and_have_to_be_decided_before_saving(
    matched: KeypointMappingWidget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matched.assign("implant", "neck")
    for keypoint in ("implant", "collar"):
        assert "conflict" in text(matched, keypoint, DOUBTS)
    assert "collar is also mapped to neck" in matched.doubt.text()
    assert {"implant", "collar"} <= matched.canvas.picture.doubtful
    path = tmp_path / "ours.csv"
    answer(monkeypatch, "getSaveFileName", path)
    matched.save_button.click()
    assert "all mapped to neck" in matched.message.text and not path.exists()
    assert matched.join_button.isEnabled()
    matched.join_button.menu().actions()[0].trigger()
    assert "conflict" not in text(matched, "collar", DOUBTS)
    matched.save_button.click()
    assert matched.message.kind == "good"
    assert load_table(path).columns["ourlab"]["neck"] == Cell(("collar", "implant"), "mean")
    matched.assign("earL", "right_ear")
    assert text(matched, "earL", DOUBTS) == "conflict +2"
    assert "earL is mapped to right_ear: left or right?" in matched.doubt.text()
    menu = matched.table.menu(matched.table._rows[row_of(matched, "earL")])
    assert [action.text().split("\t")[0] for action in menu.actions()][-1] == "Join: first that is labelled"


def test_save_with_a_new_keypoint_and_go_on_later(
    viewer: Any,
    matched: KeypointMappingWidget,
    labels: LabelledSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matched.table.choose("implant")
    matched.new_button.click()
    assert "not saved" in matched.summary.text()
    path = tmp_path / "ours"
    answer(monkeypatch, "getSaveFileName", path)
    matched.save_button.click()
    table = tmp_path / "ours.csv"
    assert str(table) in matched.message.text and "ours_space.yaml" in matched.message.text
    assert "not saved" not in matched.summary.text()
    assert load_space(tmp_path / "ours_space.yaml").keypoints[-1] == "implant"
    matched.save_button.click()  # "ours" became ours.csv, about which no dialog has asked
    assert "never overwritten" in matched.message.text

    matched.close()
    _, later = viewer.window.add_plugin_dock_widget("napari-superanimal", "Keypoint mapping")
    later.menu.read.emit(labels, "memory")
    answer(monkeypatch, "getOpenFileName", table)
    later.load_button.click()
    assert later.session.mapping.cells == matched.session.mapping.cells
    assert text(later, "implant", TARGET) == "implant (new)"
    table.write_text("ourlab,MasterName\nsnaut,nose\n")
    later.load_button.click()
    assert "snaut" in later.message.text and later.message.kind == "error"
    assert text(later, "snout", TARGET) == "nose", "a faulty table changes nothing"


def test_a_keypoint_space_without_a_model(
    matched: KeypointMappingWidget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matched.model.choose("space:quadruped")
    assert not matched.panel.run_button.isEnabled()
    assert "choose a model" in matched.canvas.picture.note
    assert text(matched, "tailroot", SCORE) == ""
    answer(monkeypatch, "getOpenFileName", tmp_path / "none.yaml")
    matched.model.box.setCurrentIndex(matched.model.box.count() - 1)
    assert "no such keypoint-space file" in matched.message.text
    assert matched.model.space.name == "quadruped"
    matched.model.choose("mini_topviewmouse")
    assert text(matched, "collar", TARGET) == "neck", "the work on the other space is still there"


# ---------------------------------------------------------------- auto-match


def wait_for(widget: KeypointMappingWidget, qtbot: Any, state: str) -> None:
    qtbot.waitUntil(lambda: not widget.panel.job.running, timeout=PATIENCE_MS)
    assert widget.panel.job.report.state == state, (widget.panel.job.report, list(widget.panel.job.log))


def test_auto_match_finds_the_renamed_points(
    widget: KeypointMappingWidget, labels: LabelledSet, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    shuffled = labels.with_columns(keypoints=("p1", "p2", "p3", "p4", "p5", "p6"))
    widget.menu.read.emit(shuffled, "memory")
    assert not widget.session.mapping.cells
    widget.panel.run_button.click()
    assert isinstance(widget.panel.job, MatchJob)
    assert widget.panel.cancel_button.isEnabled() and not widget.panel.run_button.isEnabled()
    assert widget.panel.status.text() == "Loading the model…"
    widget.panel.cancel_button.click()
    wait_for(widget, qtbot, "cancelled")
    assert "table is unchanged" in widget.panel.status.text() and not widget.session.mapping.cells

    widget.panel.run_button.click()
    wait_for(widget, qtbot, "finished")
    found = {own: widget.session.mapping.target(own) for own in ("p1", "p4", "p5")}
    assert found == {"p1": "nose", "p4": "neck", "p5": "tail_base"}
    assert float(text(widget, "p1", SCORE)) > 0.7
    assert "10 images" in widget.message.text
    assert len(widget.canvas.picture.model) > 20
    nose, own = widget.canvas.picture.model["nose"], widget.canvas.picture.mine["p1"]
    assert np.hypot(nose[0] - own[0], nose[1] - own[1]) < 15
    widget.undo_button.click()
    assert not widget.session.mapping.cells, "one step back is before the matching"


def test_a_matching_that_fails_says_why(
    widget: KeypointMappingWidget, labels: LabelledSet, qtbot: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("SUPERANIMAL_HOME", str(tmp_path))  # what is accepted here stays here
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens: as behind a firewall
    widget.menu.read.emit(labels, "memory")
    widget.model.choose("superanimal_quadruped_resnet_50")
    assert widget.model.accept.isVisibleTo(widget) and not widget.panel.run_button.isEnabled()
    widget.model.accept.setChecked(True)
    assert widget.panel.run_button.isEnabled()
    before = dict(widget.session.mapping.cells)
    widget.panel.run_button.click()
    wait_for(widget, qtbot, "failed")
    assert widget.message.kind == "error" and "Traceback" not in widget.message.text
    assert widget.panel.run_button.isEnabled() and dict(widget.session.mapping.cells) == before


def test_console_function_reads_a_folder(labels: LabelledSet, tmp_path: Path, qtbot: Any) -> None:
    materialize(labels, tmp_path / "set", to="coco")
    job = plugin.match_keypoints(tmp_path / "set", model="mini_topviewmous")
    assert job.labels.keypoints == labels.keypoints and job.running
    qtbot.waitUntil(lambda: not job.running, timeout=PATIENCE_MS)
    assert job.report.kind == "NotFoundError" and "mini_topviewmouse" in job.report.remedy
    assert job.matching is None


def test_closing_keeps_what_was_not_saved(
    widget: KeypointMappingWidget, labels: LabelledSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPERANIMAL_HOME", str(tmp_path))
    widget.work_on(labels, "ourlab", widget.model.box.currentData())
    assert widget.session is not None
    mapping = widget.session.mapping
    mapping.assign(labels.keypoints[0], "tail3")
    widget.close()
    (draft,) = (tmp_path / "drafts").glob("*.csv")
    again = KeypointMapping(mapping.column, mapping.keypoints, mapping.base)
    again.read(draft)
    assert again.target(labels.keypoints[0]) == "tail3"
