"""``compatible`` mode gives DeepLabCut's own numbers, from frame to keypoints; DeepLabCut is not needed here.

``golden_deeplabcut.json`` holds what DeepLabCut 3.0.2 gave for four synthetic frames with weights made by a
rule (``python benchmarks/parity_deeplabcut.py --golden`` renews it).
"""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
from golden import golden_weights, synthetic_frames

GOLDEN = Path(__file__).parents[1] / "support" / "golden_deeplabcut.json"


@pytest.mark.slow
def test_whole_pipeline_equals_deeplabcut(tmp_path: Path) -> None:
    from superanimal.inference import analyze

    golden = json.loads(GOLDEN.read_text())
    clip = tmp_path / "synthetic.avi"
    with av.open(str(clip), "w") as sink:
        stream = sink.add_stream("ffv1", rate=30)
        stream.height, stream.width = synthetic_frames().shape[1:3]
        stream.pix_fmt = "bgr0"
        for pixels in synthetic_frames():
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            sink.mux(stream.encode(frame.reformat(format="bgr0")))
        sink.mux(stream.encode(None))
    pose, detector = golden_weights(
        tmp_path, "superanimal_quadruped_hrnet_w32", "superanimal_quadruped_ssdlite"
    )
    poses = analyze(
        clip,
        model=str(pose),
        detector=str(detector),
        mode="compatible",
        max_individuals=2,
        device="cpu",
        out=tmp_path,
        formats=(),
    )
    keypoints, boxes = np.array(golden["keypoints"]), np.array(golden["boxes"])
    position = poses["position"].transpose("time", "individual", "keypoint", "space").values
    confidence = poses["confidence"].transpose("time", "individual", "keypoint").values
    assert position.shape == keypoints[..., :2].shape
    assert 0.05 < confidence.mean() < 0.95
    np.testing.assert_allclose(position, keypoints[..., :2], atol=0.01)
    np.testing.assert_allclose(confidence, keypoints[..., 2], atol=1e-5)
    np.testing.assert_allclose(
        poses["boxes"].transpose("time", "individual", "box").values, boxes[..., :4], atol=0.1
    )
    np.testing.assert_allclose(
        poses["box_confidence"].transpose("time", "individual").values, boxes[..., 4], atol=1e-5
    )
