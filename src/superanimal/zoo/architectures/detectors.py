"""The animal detectors: torchvision's Faster R-CNN and SSDLite with the names found in the weight files.

Ren et al. 2015, "Faster R-CNN"; Li et al. 2021 for the v2 training; Sandler et al. 2018
and Howard et al. 2019 for SSDLite with MobileNetV3.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torchvision.models import detection
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor

_FASTER_RCNN: dict[str, Callable[..., detection.FasterRCNN]] = {
    "fasterrcnn_mobilenet_v3_large_fpn": detection.fasterrcnn_mobilenet_v3_large_fpn,
    "fasterrcnn_resnet50_fpn": detection.fasterrcnn_resnet50_fpn,
    "fasterrcnn_resnet50_fpn_v2": detection.fasterrcnn_resnet50_fpn_v2,
}
_LOWEST_SCORE = 0.001


class Detector(nn.Module):
    """Holds a torchvision detector under the attribute ``model``, as the weight files name it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: list[Tensor]) -> list[dict[str, Tensor]]:
        """Find objects in float images (3, H, W): boxes (n, 4) xyxy, scores and labels, best first."""
        found: list[dict[str, Tensor]] = self.model(images)
        return found


def build(
    num_classes: int, *, name: str, lowest_score: float = _LOWEST_SCORE, norm_eps: float | None = None
) -> nn.Module:
    """Build a detector with random weights; nothing is downloaded.

    Parameters
    ----------
    num_classes
        Classes with the background: 2 for the SuperAnimal detectors, 91 for torchvision's own.
    name
        ``"ssdlite"`` or one of torchvision's Faster R-CNN builders.
    lowest_score
        Boxes below this score are not returned at all.
    norm_eps
        Constant of batch normalisation when it is not the usual one.
    """
    if name == "ssdlite":
        ssd = detection.ssdlite320_mobilenet_v3_large(
            weights=None, weights_backbone=None, num_classes=num_classes, score_thresh=lowest_score
        )
        return Detector(ssd)
    model = _FASTER_RCNN[name](
        weights=None, weights_backbone=None, num_classes=91, box_score_thresh=lowest_score
    )
    features = model.roi_heads.box_predictor.cls_score.in_features
    model.roi_heads.box_predictor = FastRCNNPredictor(features, num_classes)
    if norm_eps is not None:
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = norm_eps
    return Detector(model)
