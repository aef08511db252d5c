"""The choice of a pose model, or of a keypoint space without a model, with licence and caption."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFileDialog, QSizePolicy, QVBoxLayout, QWidget

from napari_superanimal._settings import setting
from napari_superanimal.models import describe, needs_acceptance, pose_models, short_title, space_of
from napari_superanimal.parts.form_parts import Caption
from superanimal.errors import SuperAnimalError
from superanimal.poses import KeypointSpace, load_space, space_names

if TYPE_CHECKING:
    from superanimal.zoo.entry import ModelEntry

SPACE, SPACE_FILE = "space:", "space file"


class ModelChoice(QWidget):
    """A combo box of models, optionally followed by keypoint spaces.

    Parameters
    ----------
    spaces
        Whether a keypoint space alone may be chosen.

    Signals
    -------
    changed()
        The chosen model or space changed.
    accepted()
        Acceptance of the licence changed.
    failed(SuperAnimalError)
        The file is not a keypoint space.
    """

    changed = Signal()
    accepted = Signal()
    failed = Signal(object)

    def __init__(self, *, spaces: bool = True) -> None:
        super().__init__()
        self.box = QComboBox()
        self.box.setToolTip(
            "The model whose keypoints are matched to yours, or only a keypoint space."
            if spaces
            else "The pretrained model to fine-tune on your labels."
        )
        self.box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.caption = Caption()
        self.accept = QCheckBox("I accept this licence")
        self.accept.setToolTip("Required once, before the weights are downloaded.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for widget in (self.box, self.caption, self.accept):
            layout.addWidget(widget)
        self._models = {entry.name: entry for entry in pose_models()}
        self._spaces: dict[str, KeypointSpace] = {}
        for name, entry in self._models.items():
            self.box.addItem(short_title(entry), name)
        if spaces:
            self.box.insertSeparator(self.box.count())
            for name in space_names():
                self._add_space(SPACE + name, load_space(name), self.box.count())
            self.box.addItem("Keypoint space from a file…", SPACE_FILE)
        self.box.setCurrentIndex(max(0, self.box.findData(setting("analysis", "model"))))
        self._last = self.box.currentIndex()
        self.box.currentIndexChanged.connect(self._on_index)
        self.accept.toggled.connect(self.accepted)
        self._describe()

    @property
    def entry(self) -> ModelEntry | None:
        """The chosen model, None for a space alone."""
        return self._models.get(self.box.currentData())

    @property
    def space(self) -> KeypointSpace:
        """The keypoint space of the model, or the chosen one."""
        return space_of(self.entry) if self.entry is not None else self._spaces[self.box.currentData()]

    @property
    def title(self) -> str:
        """Title of the choice."""
        return short_title(self.entry) if self.entry is not None else self.space.title

    @property
    def usable(self) -> bool:
        """Whether a model is chosen and its licence accepted."""
        return self.entry is not None and (self.accept.isChecked() or not needs_acceptance(self.entry))

    def choose(self, name: str) -> None:
        """Choose a model by name, or a space by ``space:`` and its name."""
        index = self.box.findData(name)
        if index >= 0:
            self.box.setCurrentIndex(index)

    def open_space(self, path: str) -> None:
        """Choose a keypoint space from a file."""
        try:
            space = load_space(path)
        except SuperAnimalError as error:
            self.failed.emit(error)
            return
        if self.box.findData(SPACE + path) < 0:
            self._add_space(SPACE + path, space, self.box.count() - 1)
        self._spaces[SPACE + path] = space
        self.choose(SPACE + path)

    def _add_space(self, data: str, space: KeypointSpace, index: int) -> None:
        self._spaces[data] = space
        self.box.insertItem(index, f"{space.title}: {len(space)} keypoints, no model", data)

    def _on_index(self) -> None:
        if self.box.currentData() == SPACE_FILE:
            self.box.setCurrentIndex(self._last)
            path, _ = QFileDialog.getOpenFileName(self, "Open a keypoint space", "", "Spaces (*.yaml *.yml)")
            if path:
                self.open_space(path)
        elif self.box.currentIndex() != self._last:
            self._last = self.box.currentIndex()
            self._describe()
            self.changed.emit()

    def _describe(self) -> None:
        entry = self.entry
        self.caption.setText(describe(entry) if entry else "Names only: there is no model to match.")
        self.accept.setVisible(entry is not None and needs_acceptance(entry))
