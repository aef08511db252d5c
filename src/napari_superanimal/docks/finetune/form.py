"""The form of the dock widget "Fine-tune": all options, with a preview of split and duration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari.qt.threading import create_worker
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_superanimal._settings import setting
from napari_superanimal.docks.finetune.folders import propose_folder
from napari_superanimal.docks.finetune.jobs import GaugeJob
from napari_superanimal.jobs import Report
from napari_superanimal.parts.form_parts import (
    DEVICES,
    MARGIN,
    Message,
    WrappedCaption,
    narrow_form,
    row,
    sentence,
)
from napari_superanimal.parts.labels_menu import LabelsMenu
from napari_superanimal.parts.model_choice import ModelChoice
from napari_superanimal.parts.table_choice import TableChoice
from superanimal.errors import InputError, SuperAnimalError
from superanimal.labels.holding_out import HeldOut, hold_out, split_warnings
from superanimal.labels.labelled_set import LabelledSet
from superanimal.training.finetuning.duration import training_seconds
from superanimal.training.finetuning.methods import METHODS, length_settings, usual_batch

LENGTH_TITLES = {"quick": "Quick look", "standard": "Standard", "long": "Long"}
SPLITS = {"auto": "automatic", "video": "by video", "image": "by image", "animal": "by animal"}
PRECISIONS = {"auto": "Automatic", "32": "32 bit", "16": "16 bit", "bf16": "bfloat16"}


class FinetuneForm(QScrollArea):
    """Labels, model, keypoints, method, split, length, folder; device, precision and batch under *Advanced*.

    Parameters
    ----------
    menu
        Opens labels.

    Signals
    -------
    changed()
        An option, or something derived from it, has changed.
    failed(SuperAnimalError)
        A file could not be used.
    """

    changed = Signal()
    failed = Signal(object)

    def __init__(self, menu: LabelsMenu) -> None:
        super().__init__()
        self.labels: LabelledSet | None = None
        self.source = ""
        self.split: HeldOut | None = None
        self._typed = False  # the user chose the folder
        self._splitting: Any = None
        self._gauge: GaugeJob | None = None
        self._gauged: dict[tuple[str, str], float | None] = {}

        self.data_set = QElidingLabel()
        self.open_button = QPushButton("Open…")
        self.open_button.setMenu(menu)
        self.model = ModelChoice(spaces=False)
        self.table = TableChoice()
        self.method = QComboBox()
        self.method_caption = WrappedCaption()
        self.share = QSpinBox()
        self.by = QComboBox()
        self.split_caption = WrappedCaption()
        self.split_message = Message()
        self.length = QComboBox()
        self.length_caption = WrappedCaption()
        self.folder_line = QLineEdit()
        self.folder_button = QPushButton("…")
        self.advanced_button = QToolButton()
        self._advanced: list[QWidget] = []
        self.device, self.precision, self.batch = QComboBox(), QComboBox(), QSpinBox()
        self._fill()
        self._lay_out()
        self._connect()
        self._on_method()

    def _fill(self) -> None:
        for method in METHODS.values():
            first = method.name == next(iter(METHODS))
            self.method.addItem(f"{method.title}{' (recommended)' if first else ''}", method.name)
        for box, items in (
            (self.by, SPLITS),
            (self.length, LENGTH_TITLES),
            (self.device, DEVICES),
            (self.precision, PRECISIONS),
        ):
            for data, title in items.items():
                box.addItem(title, data)
        self.length.setCurrentIndex(self.length.findData("standard"))
        self.device.setCurrentIndex(max(0, self.device.findData(setting("analysis", "device"))))
        self.share.setRange(0, 90)
        self.share.setValue(20)
        self.share.setSuffix(" %")
        self.batch.setRange(0, 512)
        self.batch.setSpecialValueText("automatic")
        for spin in (self.share, self.batch):
            spin.setKeyboardTracking(False)
            spin.setMinimumWidth(86)
        tips: Mapping[QWidget, str] = {
            self.open_button: "Open another labelled data set, or use a labelled Points layer.",
            self.method: "How the model learns from your labels.",
            self.share: "Fraction of the images held out from training, used to evaluate the model.",
            self.by: "Unit of the split. Frames of one video are alike: a split by image is optimistic.",
            self.length: "Number of training steps. The best weights on the held-out frames are kept.",
            self.folder_line: "Folder of the model, its report and the state of the run; created if missing.",
            self.folder_button: "Choose a folder.",
            self.advanced_button: "Device, precision, batch size.",
            self.device: "Device on which the training runs. Automatic uses a GPU if there is one.",
            self.precision: "Numerical precision. Automatic: 16 bit on a GPU, 32 bit on the CPU.",
            self.batch: "Number of animals per step. A smaller number needs less memory.",
        }
        for widget, tip in tips.items():
            widget.setToolTip(tip)

    def _lay_out(self) -> None:
        for box in (self.method, self.by, self.length, self.device, self.precision):
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            box.setMinimumWidth(110)
        self.data_set.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.folder_button.setFixedWidth(34)
        self.advanced_button.setText("Advanced")
        self.advanced_button.setCheckable(True)
        self.advanced_button.setArrowType(Qt.ArrowType.RightArrow)
        self.advanced_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.advanced_button.setAutoRaise(True)

        form = narrow_form()
        form.addRow("Labels", row(self.data_set, self.open_button, stretch=1))
        form.addRow("Model", self.model)
        form.addRow("Keypoints", self.table)
        form.addRow("Method", self.method)
        form.addRow("", self.method_caption)
        form.addRow("Held out", row(self.by, self.share, stretch=1))
        form.addRow("", self.split_caption)
        form.addRow(self.split_message)
        form.addRow("Length", self.length)
        form.addRow("", self.length_caption)
        form.addRow("Folder", row(self.folder_line, self.folder_button, stretch=1))
        form.addRow(self.advanced_button)
        for title, field in (
            ("Device", self.device),
            ("Precision", self.precision),
            ("Batch", row(self.batch, "animals per step")),
        ):
            form.addRow(title, field)
            self._advanced += filter(None, (field, form.labelForField(field)))
        self._on_advanced(False)
        inner = QWidget()
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(MARGIN)
        layout.addLayout(form)
        layout.addStretch(1)
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def _connect(self) -> None:
        self.model.changed.connect(self._on_model)
        self.model.accepted.connect(self.changed)
        self.table.changed.connect(self.changed)
        self.table.failed.connect(self.failed)
        self.method.currentIndexChanged.connect(self._on_method)
        self.share.valueChanged.connect(self._divide)
        self.by.currentIndexChanged.connect(self._divide)
        self.length.currentIndexChanged.connect(self._tell_length)
        self.batch.valueChanged.connect(self._tell_length)
        self.device.currentIndexChanged.connect(self._measure)
        self.folder_line.textEdited.connect(self._on_folder)
        self.folder_button.clicked.connect(self._ask_folder)
        self.advanced_button.toggled.connect(self._on_advanced)

    # ---------------------------------------------------------------- current options

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return Path(self.folder_line.text().strip()).expanduser()

    @property
    def ready(self) -> bool:
        """Whether all options required for a training are set."""
        return self.labels is not None and self.model.usable and bool(self.folder_line.text().strip())

    @property
    def animals(self) -> int:
        """Number of labelled animals to train on, if known."""
        if self.split is not None:
            return self.split.train.n_individuals
        return self.labels.n_individuals if self.labels is not None else 1

    @property
    def batch_size(self) -> int:
        """Number of animals per step."""
        return self.batch.value() or usual_batch(self.animals)

    @property
    def settings(self) -> dict[str, Any]:
        """What the length means for these labels: number of steps, and what is kept."""
        entry, method = self.model.entry, METHODS[self.method.currentData()]
        architecture = "" if entry is None else entry.architecture
        return length_settings(self.length.currentData(), method, self.animals, architecture)

    def require_labels(self) -> LabelledSet:
        """Return the labels.

        Raises
        ------
        InputError
            When none are open.
        """
        if self.labels is None:
            raise InputError("there are no labels", "a model learns from labelled images", "open some")
        return self.labels

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments of :func:`napari_superanimal.console.finetune`.

        Raises
        ------
        InputError
            When the keypoint mapping is incomplete.
        """
        entry = self.model.entry
        assert entry is not None
        recipe = {
            "steps": self.settings["steps"],
            "batch": self.batch_size,
            "device": self.device.currentData(),
            "precision": self.precision.currentData(),
        }
        return {
            "model": entry.name,
            "method": self.method.currentData(),
            "out": self.folder,
            "table": self.table.table(),
            "held_out": self.share.value() / 100,
            "split_by": self.by.currentData(),
            "length": self.length.currentData(),
            "recipe": recipe,
            "accept_license": self.model.accept.isChecked(),
        }

    # ---------------------------------------------------------------- labels and model

    def show_labels(self, labels: LabelledSet, source: str) -> None:
        """Use other labels."""
        self.labels, self.source, self._typed = labels, source, False
        images = len(set(labels.image_index[labels.labelled.any(1)].tolist()))
        title = f"{labels.name} · {images:,} images · {len(labels.keypoints)} keypoints"
        self.data_set.setText(title)
        self.data_set.setToolTip("\n".join([title, source, *labels.notes]))
        self._on_model()
        self._divide()

    def _on_model(self) -> None:
        if self.labels is not None and self.model.entry is not None:
            self.table.show_keypoints(self.labels, self.model.space)
        self._propose_folder()
        self._measure()

    def _on_method(self) -> None:
        self.method_caption.setText(METHODS[self.method.currentData()].consequence)
        self._propose_folder()
        self._tell_length()

    # ---------------------------------------------------------------- split

    def _divide(self) -> None:
        """Split the labels in a thread, as the training will, and show the result."""
        if self.labels is None:
            return
        self._forget_splitting()
        self.split = None
        self.split_message.clear()
        self.split_caption.setText("Counting…")
        worker = create_worker(
            hold_out,
            self.labels,
            self.share.value() / 100,
            by=self.by.currentData(),
            _start_thread=False,
            _ignore_errors=True,
        )
        worker.returned.connect(self._on_divided)
        worker.errored.connect(self._on_not_divided)
        self._splitting = worker
        worker.start()
        self._tell_length()

    def _on_divided(self, split: HeldOut) -> None:
        self._splitting, self.split = None, split
        held_out = 0 if split.test is None else len(split.test)
        text = f"{len(split.train):,} images to train on, {held_out:,} held out"
        self.split_caption.setText(f"{text}, by {split.by}." if held_out else f"{text}: nothing is measured.")
        doubts = split_warnings(split.train.n_individuals, split.held_out, split.leaks)
        warnings = [*split.notes, *doubts]
        if warnings:
            self.split_message.show_text("warning", "\n".join(map(sentence, warnings)))
        self._measure()

    def _on_not_divided(self, error: Exception) -> None:
        self._splitting = None
        self.split_caption.setText("Not counted.")
        known = isinstance(error, SuperAnimalError)
        self.failed.emit(error if known else InputError(f"the labels cannot be split: {error}"))

    def _forget_splitting(self) -> None:
        if self._splitting is not None:
            self._splitting.returned.disconnect()
            self._splitting.errored.disconnect()
            self._splitting = None

    # ---------------------------------------------------------------- length

    def _measure(self) -> None:
        """Measure the training time per sample with this model, once per model and device."""
        entry = self.model.entry
        if entry is not None and self.split is not None and self._key not in self._gauged:
            self.stop_gauge()
            self._gauge = GaugeJob(entry.name, min(8, self.batch_size), self.device.currentData(), self)
            self._gauge.reported.connect(self._on_gauge)
            self._gauge.start()
        self._tell_length()

    @property
    def _key(self) -> tuple[str, str]:
        return (self.model.entry.name if self.model.entry else "", self.device.currentData())

    def _on_gauge(self, report: Report) -> None:
        gauge = self._gauge
        if gauge is not None and not report.running:
            self._gauge = None
            self._gauged[gauge.model, gauge.device] = gauge.seconds
            gauge.deleteLater()
            self._tell_length()

    def stop_gauge(self) -> None:
        """Stop the measurement, if one is running."""
        gauge, self._gauge = self._gauge, None
        if gauge is not None:
            gauge.reported.disconnect(self._on_gauge)
            gauge.stop()
            gauge.deleteLater()

    def _tell_length(self) -> None:
        settings, batch = self.settings, self.batch_size
        steps, kept = settings["steps"], settings.get("reuse", 0) * self.animals
        seconds = self._gauged.get(self._key)
        text = f"{steps:,} steps of {batch}"
        if seconds:
            held_out = 0 if self.split is None or self.split.test is None else self.split.test.n_individuals
            minutes = training_seconds(seconds, steps, batch, held_out, kept) / 60
            text += (
                f": about {minutes:.0f} min on this computer"
                if minutes >= 1.5
                else ": about a minute on this computer"
            )
        elif self._gauge is not None:
            text += "; estimating the duration…"
        self.length_caption.setText(text)
        self.changed.emit()

    # ---------------------------------------------------------------- folder

    def set_folder(self, folder: Path) -> None:
        """Choose the folder of the run."""
        self.folder_line.setText(str(folder))
        self._on_folder()

    def _propose_folder(self) -> None:
        if self.labels is not None and self.model.entry is not None and not self._typed:
            source = self.source if Path(self.source).exists() else self.labels.images[0].path
            name = self.labels.name or "labels"
            folder = propose_folder(source, name, self.model.entry.name, self.method.currentData())
            self.folder_line.setText(str(folder))
        self.changed.emit()

    def _on_folder(self) -> None:
        self._typed = True
        self.changed.emit()

    def _ask_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Folder for the trained model", str(self.folder.parent))
        if path:
            self.set_folder(Path(path))

    def _on_advanced(self, on: bool) -> None:
        for widget in self._advanced:
            widget.setVisible(on)
        self.advanced_button.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)

    def release(self) -> None:
        """Stop threads and processes."""
        self._forget_splitting()
        self.stop_gauge()
