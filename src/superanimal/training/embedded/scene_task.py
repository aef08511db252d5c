"""The embedded models as tasks of the training loop, trained and evaluated on rendered scenes."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from superanimal.training.data.samples import Sample
from superanimal.training.embedded.scene_figures import measure_detector, measure_pose
from superanimal.training.embedded.scene_pictures import ScenePictures
from superanimal.training.embedded.scene_samples import SceneCrops, SceneFrames, SceneSamples, letterboxed
from superanimal.training.embedded.scenes import scenes_hash
from superanimal.training.loop.recipe import Recipe
from superanimal.training.loop.task import CropTask, Task
from superanimal.training.networks.centers import center_loss
from superanimal.zoo import centre_boxes
from superanimal.zoo.detector_model import DetectorModel
from superanimal.zoo.pose_model import PoseModel


class ScenePoseTask(CropTask):
    """A pose network on crops of rendered animals.

    Parameters
    ----------
    model
        See :class:`~superanimal.training.loop.task.CropTask`.
    samples, held_out
        Augmented crops to train on; other animals as in use, for validation.
    recipe
        Choices of the loss.
    """

    score = "within_10pct"
    samples: SceneCrops

    def __init__(self, model: PoseModel, samples: SceneCrops, held_out: SceneCrops, recipe: Recipe) -> None:
        super().__init__(model, samples, recipe)
        self.held_out = held_out
        self._complete = _Completed(samples)

    def loss(self, network: nn.Module, batch: Sample) -> dict[str, Tensor]:
        """Return the masked losses; see :class:`~superanimal.training.loop.task.CropTask`."""
        side = self.samples.subject.crop
        return super().loss(network, self._complete(batch, (side, side)))

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return the figures of :func:`~superanimal.training.embedded.scene_figures.measure_pose`."""
        return measure_pose(PoseModel(self.model.entry, network), self.held_out)

    def identity(self) -> dict[str, Any]:
        """Return digests of the scenes, and what the model is."""
        entry = self.model.entry
        return {
            **_identity(self.samples, self.held_out),
            "model": entry.architecture,
            "options": repr(sorted(entry.options.items())),
            "head": repr(entry.head),
            "input": [list(entry.input_size), list(entry.mean), list(entry.std), entry.crop_margin],
        }


class SceneDetectorTask(Task):
    """The centre-point detector on rendered frames.

    Parameters
    ----------
    detector
        Trained in place.
    samples, held_out
        Augmented frames to train on; other scenes as they are, for validation.
    """

    score = "f1"
    samples: SceneFrames

    def __init__(self, detector: DetectorModel, samples: SceneFrames, held_out: SceneFrames) -> None:
        self.detector, self.network = detector, detector.network
        self.samples, self.held_out = samples, held_out
        self._complete = _Completed(samples)

    def loss(self, network: nn.Module, batch: Sample) -> dict[str, Tensor]:
        """Return the loss of :func:`~superanimal.training.networks.centers.center_loss`."""
        height, width = batch["center"].shape[-2:]
        stride = centre_boxes.STRIDE
        batch = self._complete(batch, (stride * height, stride * width))
        return {"loss": center_loss(network, batch)}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Return the figures of :func:`~superanimal.training.embedded.scene_figures.measure_detector`."""
        return measure_detector(DetectorModel(self.detector.entry, network), self.held_out)

    def identity(self) -> dict[str, Any]:
        """Return digests of the scenes, and what the model is."""
        return {**_identity(self.samples, self.held_out), "model": self.detector.entry.architecture}


class _Completed:
    """Gives batches their pictures where the samples leave them out."""

    def __init__(self, samples: SceneSamples) -> None:
        self.samples = samples
        self.pictures: ScenePictures | None = None

    def __call__(self, batch: Sample, size: tuple[int, int]) -> Sample:
        if "image" in batch:
            return batch
        if self.pictures is None:
            self.pictures = ScenePictures(self.samples.shards, self.samples.settings, batch["scene"].device)
        image = self.pictures(batch["scene"], batch["matrix"], size)
        return batch | {"image": letterboxed(image, batch["limit"]) if "limit" in batch else image}


def _identity(samples: SceneSamples, held_out: SceneSamples) -> dict[str, Any]:
    return {
        "subject": samples.subject.model,
        "data": {"train": scenes_hash(samples.shards), "validation": scenes_hash(held_out.shards)},
    }
