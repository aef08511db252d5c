"""Fine-tuning jobs in separate processes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_superanimal.jobs import ChildJob
from superanimal.jobs.events import pack_object
from superanimal.training.finetuning.run_folder import Row, holds_run, read_curves, with_row

if TYPE_CHECKING:
    from superanimal.labels.labelled_set import LabelledSet

STOP_GRACE_MS = 900_000
"""Time allowed for a stopped training to evaluate its best weights on the held-out frames."""


class FinetuneJob(ChildJob):
    """The training of a model.

    Parameters
    ----------
    labels
        Labels to train on.
    options
        Keyword arguments of ``superanimal.finetune`` except ``data`` and ``progress``.
    accept_license
        The user accepts the terms of the base model.

    Attributes
    ----------
    rows
        Rows of the curves so far.
    resumed
        Whether the folder already held a run at the start.

    Signals
    -------
    validated(list)
        A row was added to :attr:`rows`.
    """

    validated = Signal(list)

    name = "training"
    remedy = "The training so far is kept: press Resume. If memory ran out, choose a smaller batch size."
    unit = "steps"
    stopping = "stopping; evaluating the best weights…"
    kept = "Resume continues after the last validation."
    grace_ms = STOP_GRACE_MS

    def __init__(
        self,
        labels: LabelledSet,
        options: dict[str, Any],
        *,
        accept_license: bool = False,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent=parent)
        self.labels, self.options, self.accept_license = labels, options, accept_license
        self.rows: list[Row] = []
        self.resumed = False

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return Path(self.options["out"])

    def request(self) -> dict[str, Any]:
        """Return the call of ``finetune``."""
        options = pack_object({"data": self.labels, **self.options})
        return {"task": "finetune", "options": options, "accept_license": self.accept_license}

    def start(self) -> None:
        """Start the training, or resume the run in the folder.

        Raises
        ------
        InputError
            When the job is already running.
        """
        self.resumed, self.rows = holds_run(self.folder), read_curves(self.folder)
        super().start()

    def take_event(self, kind: str, event: dict[str, Any]) -> None:
        """Store the rows of the curves."""
        if kind == "curve":
            self.rows = with_row(self.rows, event["row"])
            self.validated.emit(self.rows)


class GaugeJob(ChildJob):
    """Measures the training time per sample on this computer."""

    name = "measurement"
    grace_ms = 0

    def __init__(self, model: str, batch: int, device: str, parent: QObject | None = None) -> None:
        super().__init__({"task": "gauge", "model": model, "batch": batch, "device": device}, parent)
        self.model, self.device = model, device

    @property
    def seconds(self) -> float | None:
        """Seconds per sample; None until known."""
        return self.result.get("seconds_per_sample")
