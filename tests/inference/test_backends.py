"""What runs the networks is chosen by numbers and time, kept, recorded, and never mixed within a run."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dots import tiny_model

from superanimal.errors import InputError, ModelError
from superanimal.inference import Analyzer, verdicts
from superanimal.inference.backends import allowed, open_detector, open_pose
from superanimal.inference.verdicts import Trial, Verdict, prepare
from superanimal.poses.run_store import RunStore
from superanimal.samples import sample_path
from superanimal.zoo import load_detector, load_model
from superanimal.zoo.checkpoint import write_weights
from superanimal.zoo.exported import ExportedDetector, ExportedPose
from superanimal.zoo.exported_files import read_exported
from superanimal.zoo.finding import find_model
from superanimal.zoo.folder import write_entry

MOUSE = sample_path("topview_mouse.mp4")
WHOLE = {"whole_frame": True, "device": "cpu", "formats": (), "frames": "0:2"}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SUPERANIMAL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Return the folder of a small trained model."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    model = tiny_model()
    write_weights(model.network, folder / "weights.safetensors", {})
    write_entry(model.entry, folder / "weights.safetensors")
    return folder


def decided(monkeypatch: pytest.MonkeyPatch, onnxruntime: float, torch: float, openvino: float = 9.0) -> None:
    """Let the backends take these times."""
    times = {"torch": torch, "onnxruntime": onnxruntime, "openvino": openvino, "openvino-bf16": openvino / 2}
    monkeypatch.setattr(verdicts, "_times", lambda runs: {name: times[name] for name in runs})


def test_the_faster_one_with_the_same_numbers_runs(
    cache: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided(monkeypatch, 1.0, 2.0)
    fast = open_pose(tiny, "cpu", "auto")
    assert isinstance(fast, ExportedPose) and fast.backend == "onnxruntime"
    crops = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3), dtype=np.uint8)
    torch_model = load_model(tiny)
    assert fast.digest() == torch_model.digest() and fast.keypoints == torch_model.keypoints
    for name, maps in torch_model.heads(crops).items():
        np.testing.assert_allclose(fast.heads(crops)[name], maps.numpy(), atol=1e-4)
    assert open_pose(tiny, "cpu", "torch").backend == "torch"


def test_a_slower_one_does_not_unless_asked_for(
    cache: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided(monkeypatch, 2.0, 1.0)
    assert open_pose(tiny, "cpu", "auto").backend == "torch"
    assert open_pose(tiny, "cpu", "onnxruntime").backend == "onnxruntime"


def test_other_numbers_are_never_taken(cache: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = {name: Trial(pixels=0.5, ms=1) for name in ("onnxruntime", "openvino")}
    monkeypatch.setattr(verdicts, "_judge", lambda found, file: Verdict(9, trials))
    assert open_pose(tiny, "cpu", "auto").backend == "torch"
    with pytest.raises(ModelError, match=r"does not run in onnxruntime: keypoints 0\.5 px off"):
        open_pose(tiny, "cpu", "onnxruntime")
    with pytest.raises(ModelError, match="this processor does not compute in bfloat16"):
        open_pose(tiny, "cpu", "openvino-bf16")
    assert Trial(pixels=0.005, differences=1e-4).holds("openvino")
    assert not Trial(differences=0.01).holds("openvino")  # keypoints nobody is sure of hide it


def test_rounding_is_taken_only_where_its_error_is_known(
    cache: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = Verdict(9, {"onnxruntime": Trial(ms=5), "openvino-bf16": Trial(0.3, 4.0, ms=2)})
    assert verdict.best() == "onnxruntime"
    assert verdict.best(("openvino-bf16",)) == "openvino-bf16"
    asked = []
    monkeypatch.setattr(verdicts.Verdict, "best", lambda self, reduced=(): asked.append(reduced) or "torch")
    decided(monkeypatch, 1.0, 2.0)
    for rounded in (True, False):
        open_pose("mini_topviewmouse", "cpu", "auto", rounded=rounded)
        open_pose(tiny, "cpu", "auto", rounded=rounded)  # a trained model has not been measured
    assert asked == [("openvino-bf16",), (), (), ()]


def test_openvino_gives_the_numbers_of_torch(cache: Path) -> None:
    """Of the embedded network, whose heads a fault of OpenVINO had changed."""
    found = find_model("mini_quadruped", "pose")
    assert found is not None
    trials = prepare(found).trials
    assert trials["openvino"].holds("openvino"), trials["openvino"]
    own = cache.parent / "own.onnx"
    own.write_bytes(verdicts.exported_file(found).read_bytes())
    assert open_pose(own, "cpu", "openvino").backend == "openvino"
    assert [path.name for path in own.parent.glob("*own*")] == ["own.onnx"]
    assert not (own.parent / "compiled").exists()  # nothing appears beside a file of the user
    fast, plain = open_pose("mini_quadruped", "cpu", "openvino"), load_model("mini_quadruped")
    crops = np.random.default_rng(0).integers(0, 255, (2, 192, 192, 3), dtype=np.uint8)
    for name, maps in plain.heads(crops).items():
        np.testing.assert_allclose(fast.heads(crops)[name], maps.numpy(), atol=1e-3)


def test_whatever_fails_in_onnxruntime_leaves_torch(
    cache: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*file: object) -> None:
        raise RuntimeError("no kernel for this operation\nlong story")

    monkeypatch.setattr(verdicts, "Session", broken)
    monkeypatch.setattr(verdicts, "OpenvinoSession", broken)
    monkeypatch.setattr("superanimal.zoo.exported.Session", broken)
    assert open_pose(tiny, "cpu", "auto").backend == "torch"
    with pytest.raises(ModelError, match=r"onnxruntime: no kernel for this operation;"):
        open_pose(tiny, "cpu", "onnxruntime")


def test_the_verdict_is_kept_until_versions_or_weights_change(
    cache: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def judge(found: object, file: Path) -> Verdict:
        asked.append(found)
        file.touch()
        return Verdict(1, {"onnxruntime": Trial(ms=2)})

    monkeypatch.setattr(verdicts, "_judge", judge)
    found = find_model(tiny, "pose")
    assert found is not None
    prepare(found)
    prepare(found)
    assert len(asked) == 1
    monkeypatch.setattr(verdicts, "_here", lambda: "another version")
    prepare(found)
    prepare(found._replace(sha256="other weights"))
    prepare(found._replace(entry=replace(found.entry, mean=(0.0, 0.0, 0.0))))
    assert len(asked) == 4
    (record,) = cache.glob(f"exported/{verdicts._folder(found).name}/verdicts.json")
    record.write_text("{", "utf-8")
    prepare(found)
    assert len(asked) == 5


def test_a_network_that_cannot_be_exported_runs_in_torch(
    cache: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no such operation")

    monkeypatch.setattr("torch.onnx.export", refuse)
    assert open_pose(tiny, "cpu", "auto").backend == "torch"
    with pytest.raises(ModelError, match="cannot be exported: no such operation"):
        open_pose(tiny, "cpu", "onnxruntime")


def test_a_cache_that_cannot_be_written_costs_nothing(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SUPERANIMAL_CACHE", str(tmp_path / "file"))
    assert open_pose(tiny, "cpu", "auto").backend == "torch"


def test_what_a_backend_cannot_do_is_said() -> None:
    assert allowed("auto", "cpu", "fp32", exact=False) == "auto"
    assert allowed("auto", "cpu", "fp32", exact=True) == "torch"
    assert allowed("auto", "cuda", "bf16", exact=False) == "torch"
    with pytest.raises(InputError, match="unknown backend 'tensorflow'"):
        allowed("tensorflow", "cpu", "fp32", exact=False)
    with pytest.raises(InputError, match="backend onnxruntime on cpu in bf16"):
        allowed("onnxruntime", "cpu", "bf16", exact=False)


def test_the_embedded_detector_finds_the_same_boxes() -> None:
    fast = open_detector("mini_topviewmouse_detector", "cpu", "onnxruntime")
    assert isinstance(fast, ExportedDetector)
    frames = [np.random.default_rng(k).integers(0, 255, (90 + k, 160, 3), dtype=np.uint8) for k in (0, 0, 7)]
    plain = load_detector("mini_topviewmouse_detector")
    for size in (None, 64):
        pairs = zip(fast.detect(frames, size), plain.detect(frames, size), strict=True)
        for (boxes, scores), (expected, sure) in pairs:
            np.testing.assert_allclose(boxes, expected, atol=1e-2)
            np.testing.assert_allclose(scores, sure, atol=1e-4)


def test_a_resumed_run_keeps_its_backend(
    cache: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided(monkeypatch, 1.0, 2.0)
    out = tmp_path / "out"
    first = Analyzer(tiny, out=out, **WHOLE)
    store = first.run(MOUSE).store
    identity = RunStore.open(store).attrs["identity"]
    assert identity["settings"]["backend"] == "onnxruntime" == first.model.backend
    assert "onnxruntime" in RunStore.open(store).attrs["provenance"]["versions"]
    decided(monkeypatch, 2.0, 1.0)
    monkeypatch.setattr(verdicts, "_here", lambda: "another computer")
    again = Analyzer(tiny, out=out, **WHOLE | {"frames": "0:4"})
    assert again.model.backend == "torch"
    assert again.run(MOUSE).poses.sizes["time"] == 4 and again.model.backend == "onnxruntime"
    with pytest.raises(InputError, match=r"settings\.backend was 'onnxruntime'"):
        Analyzer(tiny, out=out, backend="torch", **WHOLE | {"frames": "0:4"}).run(MOUSE)


def test_an_exported_file_is_a_model(cache: Path, tiny: Path, tmp_path: Path) -> None:
    from superanimal.inference.onnx_export import export_onnx

    file = export_onnx(load_model(tiny), tmp_path / "tiny.onnx").file
    poses = Analyzer(file, out=tmp_path / "file", **WHOLE).run(MOUSE).poses
    expected = Analyzer(tiny, out=tmp_path / "plain", backend="torch", **WHOLE).run(MOUSE).poses
    np.testing.assert_allclose(poses["position"], expected["position"], atol=0.01)
    opened = read_exported(file)
    assert opened.entry.keypoints == load_model(tiny).keypoints
    with pytest.raises(InputError, match="in torch"):
        open_pose(file, "cpu", "torch")
    with pytest.raises(ModelError, match="a detector model is needed"):
        open_detector(file, "cpu", "auto")
    (tmp_path / "other.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="cannot be opened as ONNX"):
        read_exported(tmp_path / "other.onnx")


def test_a_second_analysis_needs_no_torch(tmp_path: Path) -> None:
    """The exports of the embedded models are made by any earlier test; nothing imports torch or timm."""
    for kind, name in (("pose", "mini_topviewmouse"), ("detector", "mini_topviewmouse_detector")):
        found = find_model(name, kind)
        assert found is not None and prepare(found).trials["onnxruntime"].holds("onnxruntime")
    script = (
        "import sys\nfrom superanimal.inference import Analyzer\n"
        "options = {'device': 'cpu', 'backend': 'onnxruntime', 'frames': '0:1', 'formats': ()}\n"
        f"run = Analyzer(out={str(tmp_path)!r}, **options)\n"
        f"assert run.run({str(MOUSE)!r}).frames_with_animals == 1\n"
        "assert not {'torch', 'timm', 'torchvision'} & set(sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
