"""Training behind a backbone that keeps its weights: its features are computed once and reused.

The backbone takes most of the time of a training step, forwards and backwards. With ``recipe.reuse`` variants
of each animal, a run on ten animals computes a few hundred feature maps and then trains the rest of the
network on them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from superanimal.errors import InputError
from superanimal.training.data.samples import PoseSamples, Sample, Samples
from superanimal.training.loop.batches import on_gpu
from superanimal.training.loop.recipe import Recipe
from superanimal.training.loop.task import PoseTask
from superanimal.zoo.architectures.pyramid_pose import PyramidPose
from superanimal.zoo.pose_model import PoseModel

STAGE = "stage"


class KeptFeatures(Samples):
    """Samples with the stages of a backbone in place of the picture, computed once for each and kept.

    A sample holds ``stage0``, ``stage1``, ... (C, h, w) float16 instead of ``image``.

    Parameters
    ----------
    samples
        Of pictures.
    stages
        Maps pictures (1, 3, H, W) uint8 to the stages of the backbone.
    variants
        Passes through the samples after which they repeat.
    """

    def __init__(
        self, samples: PoseSamples, stages: Callable[[Tensor], Sequence[Tensor]], variants: int = 1
    ) -> None:
        self.samples, self.stages = samples, stages
        self.period = variants * len(samples)
        self._kept: dict[int, Sample] = {}

    def __len__(self) -> int:
        """Return the number of animals."""
        return len(self.samples)

    def __getitem__(self, position: int) -> Sample:
        """Return the sample at a position of the stream, which repeats."""
        position %= self.period
        if position not in self._kept:
            sample = dict(self.samples[position])
            for k, stage in enumerate(self.stages(sample.pop("image")[None])):
                sample[f"{STAGE}{k}"] = stage[0].half().cpu()
            self._kept[position] = sample
        return self._kept[position]


class FrozenTask(PoseTask):
    """A pose network whose backbone keeps its weights, trained on kept features.

    The parameters are those of :class:`~superanimal.training.loop.task.PoseTask`.

    Raises
    ------
    InputError
        When the network has no backbone that can be run by itself.
    """

    def __init__(
        self, model: PoseModel, samples: PoseSamples, held_out: PoseSamples | None, recipe: Recipe
    ) -> None:
        super().__init__(model, samples, held_out, recipe)
        if not isinstance(model.network, PyramidPose):
            raise InputError(
                f"recipe.reuse for a model of the architecture {model.entry.architecture}",
                "pyramid_pose networks can be trained on features that are reused",
                "leave reuse out",
            )
        network = copy.deepcopy(model.network).eval().requires_grad_(False)
        network.to("cuda" if on_gpu(recipe) else "cpu")
        self._size = model.entry.input_size[::-1]

        @torch.no_grad()
        def stages(images: Tensor) -> list[Tensor]:
            where = next(network.parameters()).device
            return network.stages(self.normalise(images.to(where)))

        self.samples = KeptFeatures(samples, stages, recipe.reuse)
        self._held_out = None if held_out is None else KeptFeatures(held_out, stages)

    def outputs(self, network: nn.Module, batch: Sample) -> dict[str, Tensor]:
        """Return the raw heads of a batch of features."""
        assert isinstance(network, PyramidPose)
        count = sum(name.startswith(STAGE) for name in batch)
        kept = [batch[f"{STAGE}{k}"].float() for k in range(count)]
        return network.heads(
            [stage.contiguous(memory_format=torch.channels_last) for stage in kept], self._size
        )

    def held_out_batch(self, chosen: Sequence[int]) -> Sample:
        """Return the features of some held-out animals."""
        assert self._held_out is not None
        return self._held_out.collate([self._held_out[n] for n in chosen])
