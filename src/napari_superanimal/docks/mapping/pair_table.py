"""The table of pairs: one row per user keypoint, edited by keyboard, double click or context menu."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QStringListModel, Qt, QTimer, Signal
from qtpy.QtGui import QColor, QKeySequence
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCompleter,
    QHeaderView,
    QLineEdit,
    QMenu,
    QStyledItemDelegate,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from napari_superanimal.docks.mapping.session import PairRow
from napari_superanimal.parts.tables import make_plain
from superanimal.keypoints.mapping import NOT_MAPPED

NOTHING = "(not mapped)"
"""The choice that leaves a keypoint without a counterpart."""
COLUMNS = ("Yours", "Model", "Score", "Margin", "Look at")
OWN, TARGET, SCORE, MARGIN, DOUBTS = range(5)
WARNING_COLOR = QColor("#c87000")
"""Readable in the dark and light themes."""
TIPS = (
    "Keypoint of your data set.",
    "Its counterpart in the keypoint space of the model. Press Enter or type to choose, Delete to unmap.",
    "Fraction of the images in which the two were assigned to each other (0 to 1).",
    "Score minus that of the strongest rival; near 0 the choice is a toss-up.",
    "What to check before using the table.",
)


class PairTable(QTableWidget):
    """Pairs of keypoints; edits are emitted as signals and not applied here.

    Signals
    -------
    chosen(str)
        The current row changed.
    entered(str, str)
        A target was typed or selected for a keypoint.
    unmapped(str), added(str)
        A keypoint was unmapped, or marked as new.
    joined(str, str)
        The points mapped to a target were combined by a rule.
    """

    chosen = Signal(str)
    entered = Signal(str, str)
    unmapped = Signal(str)
    added = Signal(str)
    joined = Signal(str, str)

    def __init__(self) -> None:
        super().__init__(0, len(COLUMNS))
        self.choices = QStringListModel(self)
        self._rows: list[PairRow] = []
        for column, (title, tip) in enumerate(zip(COLUMNS, TIPS, strict=True)):
            head = QTableWidgetItem(title)
            head.setToolTip(tip)
            self.setHorizontalHeaderItem(column, head)
        make_plain(self)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setMinimumHeight(110)
        header: Any = self.horizontalHeader()
        for column, longest in enumerate(("", "", "Score", "Margin", "lies elsewhere")):
            mode = QHeaderView.ResizeMode.Fixed if longest else QHeaderView.ResizeMode.Stretch
            header.setSectionResizeMode(column, mode)
            if longest:
                self.setColumnWidth(column, self.fontMetrics().horizontalAdvance(longest) + 18)
        self.setItemDelegateForColumn(TARGET, _TargetDelegate(self))
        self.currentCellChanged.connect(self._on_current)
        self.cellDoubleClicked.connect(lambda row, column: self.open_choice())
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)

    def show_rows(self, rows: Sequence[PairRow], choices: Sequence[str]) -> None:
        """Show rows and possible targets, keeping the current row."""
        current = self.current
        self._rows = list(rows)
        self.choices.setStringList([NOTHING, *choices])
        self.blockSignals(True)
        self.setRowCount(len(rows))
        for number, row in enumerate(rows):
            self._fill(number, row)
        self.blockSignals(False)
        self.choose(
            current if current in [row.keypoint for row in rows] else rows[0].keypoint if rows else ""
        )

    @property
    def current(self) -> str:
        """The keypoint of the current row."""
        row = self._current_row()
        return row.keypoint if row is not None else ""

    def choose(self, keypoint: str) -> None:
        """Select the row of a keypoint."""
        for number, row in enumerate(self._rows):
            if row.keypoint == keypoint and number != self.currentRow():
                self.setCurrentCell(number, TARGET)

    def open_choice(self, text: str = "") -> None:
        """Open the list of targets for the current row, filtered by the first letters of a name."""
        item = self.item(self.currentRow(), TARGET)
        if item is not None:
            self.editItem(item)
            editor: Any = self.indexWidget(self.indexFromItem(item))
            editor.setText(text)
            editor.completer().setCompletionPrefix(text)
            editor.completer().complete()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Open the list of targets on Enter and letters, unmap on Delete, mark as new on Shift+N."""
        keypoint, key, text = self.current, event.key(), event.text()
        commands = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        plain = not event.modifiers() & (commands | Qt.KeyboardModifier.MetaModifier)
        if not plain:
            event.ignore()  # handled by the form
        elif not keypoint or self.state() == QAbstractItemView.State.EditingState:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            self.open_choice()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.unmapped.emit(keypoint)
        elif key == Qt.Key.Key_N and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.added.emit(keypoint)
        elif text.isprintable() and text.strip():
            self.open_choice(text)
        else:
            super().keyPressEvent(event)

    # ---------------------------------------------------------------- inside

    def _current_row(self) -> PairRow | None:
        number = self.currentRow()
        return self._rows[number] if 0 <= number < len(self._rows) else None

    def _fill(self, number: int, row: PairRow) -> None:
        target = f"{row.target} (new)" if row.new else row.target or "–"
        figures = ["" if value is None else f"{value:.2f}" for value in (row.score, row.margin)]
        kinds = list(dict.fromkeys(doubt.kind for doubt in row.doubts))
        doubts = f"{kinds[0]} +{len(kinds) - 1}" if len(kinds) > 1 else "".join(kinds)
        serious = any(doubt.kind != NOT_MAPPED for doubt in row.doubts)
        for column, text in enumerate((row.keypoint, target, *figures, doubts)):
            item = QTableWidgetItem(text)
            item.setToolTip("\n".join(map(str, row.doubts)) if column == DOUBTS else text)
            if column in (SCORE, MARGIN):
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            if serious and column in (OWN, DOUBTS):
                item.setForeground(WARNING_COLOR)
            self.setItem(number, column, item)

    def _on_current(self, row: int, *_: int) -> None:
        if 0 <= row < len(self._rows):
            self.chosen.emit(self._rows[row].keypoint)

    def _open_menu(self, at: Any) -> None:
        row, viewport = self._current_row(), self.viewport()
        if row is not None and viewport is not None:
            self.menu(row).exec(viewport.mapToGlobal(at))

    def menu(self, row: PairRow) -> QMenu:
        """Return the context menu of a row."""
        menu = QMenu(self)
        menu.addAction("Choose counterpart…\tEnter", self.open_choice)
        if row.target:
            menu.addAction(f"Unmap\t{_key('Del')}", lambda: self.unmapped.emit(row.keypoint))
        if not row.new:
            menu.addAction(f"New keypoint\t{_key('Shift+N')}", lambda: self.added.emit(row.keypoint))
        if row.conflict:
            menu.addSeparator()
            menu.addAction("Join: mean of all", lambda: self.joined.emit(row.target, "mean"))
            menu.addAction("Join: first that is labelled", lambda: self.joined.emit(row.target, "first"))
        return menu


class _TargetDelegate(QStyledItemDelegate):
    """Edits a target in a line of text, with a list of choices that narrows while typing.

    Only Enter or a click in the list accepts a choice; leaving the line changes nothing.
    """

    def __init__(self, table: PairTable) -> None:
        super().__init__(table)
        self._table = table
        self._editor: QLineEdit | None = None
        self._accepted = False

    def createEditor(self, parent: Any, option: Any, index: Any) -> QWidget:  # noqa: N802 - Qt's name
        """Return the line edit."""
        editor = QLineEdit(parent)
        completer = QCompleter(self._table.choices, editor)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setMaxVisibleItems(12)
        editor.setCompleter(completer)
        editor.setPlaceholderText("type a name")
        editor.returnPressed.connect(self._accept)
        completer.activated.connect(self._accept)
        self._editor, self._accepted = editor, False
        return editor

    def destroyEditor(self, editor: Any, index: Any) -> None:  # noqa: N802 - Qt's name
        """Release the line edit."""
        self._editor = None
        super().destroyEditor(editor, index)

    def setEditorData(self, editor: Any, index: Any) -> None:  # noqa: N802 - Qt's name
        """Leave the line empty, so that all choices are listed."""

    def setModelData(self, editor: Any, model: Any, index: Any) -> None:  # noqa: N802 - Qt's name
        """Emit the text if it was accepted."""
        if self._accepted and isinstance(editor, QLineEdit) and editor.text().strip():
            self._accepted = False
            self._table.entered.emit(self._table.current, editor.text().strip())

    def _accept(self) -> None:
        self._accepted = True
        QTimer.singleShot(0, self._finish)

    def _finish(self) -> None:
        """Close the line if the list of choices intercepted Enter."""
        if self._editor is not None:
            self.commitData.emit(self._editor)
            self.closeEditor.emit(self._editor)


def _key(name: str) -> str:
    return QKeySequence(name).toString(QKeySequence.SequenceFormat.NativeText)
