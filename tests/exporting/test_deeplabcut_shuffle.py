from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from superanimal.errors import InputError, ModelError, NotFoundError
from superanimal.exporting.deeplabcut_shuffle import export_deeplabcut, known_to_deeplabcut
from superanimal.labels import ImageRef, LabelledSet, materialize
from superanimal.training.networks.heads import from_scratch
from superanimal.zoo import DetectorModel, PoseModel, get_entry, load_model
from superanimal.zoo.architectures import build_network
from superanimal.zoo.entry import HeadSpec, Licence, ModelEntry

MODEL = ("nose", "left_ear", "right_ear", "tail_base")
PROJECT = ("tail_base", "nose", "left_ear")


def entry(architecture: str, options: dict, head: HeadSpec, **more) -> ModelEntry:
    return ModelEntry(
        "mine",
        "pose",
        "",
        architecture,
        Licence("own", "", ""),
        options=options,
        num_keypoints=4,
        keypoint_names=MODEL,
        input_size=(64, 64),
        head=head,
        **more,
    )


SIMCC = HeadSpec("simcc", stride=1, activation="softmax", simcc_temperature=(849.0, 849.0))
CASES = {
    "released HRNet": ("hrnet_w18", {}, HeadSpec(stride=4)),
    "HRNet as users train it": (
        "hrnet_w18",
        {"deconv": [], "final_conv": True, "locref": True},
        HeadSpec(stride=4, locref_std=7.2801),
    ),
    "RTMPose": ("rtmpose_s", {"input_size": (64, 64), "split": 2.0}, SIMCC),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    labelled = LabelledSet(
        "lab",
        PROJECT,
        [ImageRef(str(tmp_path / "a.png"), width=10, height=10)],
        np.array([0]),
        np.ones((1, 3, 2), np.float32),
        np.full((1, 3), 2),
        video=np.array(["clip"], object),
    )
    (tmp_path / "a.png").write_bytes(b"")
    materialize(labelled, tmp_path / "project", "deeplabcut")
    return tmp_path / "project"


def answers(model: PoseModel) -> dict[str, torch.Tensor]:
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), dtype=np.uint8))
    return model.forward(model.preprocess(pixels))


def same(maps: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(maps, expected, rtol=1e-5, atol=1e-5 * float(expected.std()))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if name.startswith("released") else []) for name in CASES],
)
def test_read_back_the_project_keypoints_are_the_same(name: str, project: Path) -> None:
    """Our reader of DeepLabCut's snapshots takes architecture, head and names from the files alone."""
    model = from_scratch(entry(*CASES[name]), MODEL, seed=1)
    done = export_deeplabcut(model, project)
    again = load_model(done.snapshot)
    assert again.keypoints == PROJECT and again.entry.architecture == model.entry.architecture
    assert again.head == model.head and again.entry.input_size == model.entry.input_size
    if model.head.kind == "heatmap":
        before, after = answers(model), answers(again)
        order = [MODEL.index(name) for name in PROJECT]
        same(after["heatmap"], before["heatmap"][:, order])
        if "locref" in before:
            same(after["locref"][:, 2:4], before["locref"][:, :2])


def test_the_configuration_says_what_deeplabcut_asks(project: Path) -> None:
    model = from_scratch(entry(*CASES["RTMPose"]), MODEL)
    done = export_deeplabcut(model, project / "config.yaml")
    config = yaml.safe_load((done.folder / "train" / "pytorch_config.yaml").read_text())
    assert config["method"] == "td" and config["metadata"]["bodyparts"] == list(PROJECT)
    assert config["metadata"]["individuals"] == ["individual_1"]
    assert config["data"]["inference"]["top_down_crop"] == {"width": 64, "height": 64}
    head = config["model"]["heads"]["bodypart"]
    assert (
        head["type"] == "RTMCCHead"
        and head["out_channels"] == 3
        and head["predictor"]["sigma"] == [5.66, 5.66]
    )
    assert "&id" not in (done.folder / "train" / "pytorch_config.yaml").read_text()
    assert done.folder.name.endswith("trainset95shuffle101") and done.detector_snapshot is None
    content = torch.load(done.snapshot, weights_only=True)
    assert content["metadata"]["epoch"] == 200


def test_each_export_is_a_shuffle_of_its_own(project: Path) -> None:
    model = from_scratch(entry(*CASES["RTMPose"]), MODEL)
    first = export_deeplabcut(model, project)
    before = first.snapshot.stat().st_mtime_ns
    assert export_deeplabcut(model, project).shuffle == 102
    assert first.snapshot.stat().st_mtime_ns == before


def test_it_shares_the_split_of_a_training_set_made_in_deeplabcut(project: Path) -> None:
    config = yaml.safe_load((project / "config.yaml").read_text())
    name = f"lab{config['date']}"
    folder = project / "training-datasets" / "iteration-0" / f"UnaugmentedDataSet_{name}"
    folder.mkdir(parents=True)
    (folder / "Documentation_data-lab_95shuffle1.pickle").write_bytes(pickle.dumps([[], [0], [], 0.95]))
    one = {"train_fraction": 0.95, "index": 1, "split": 1, "engine": "pytorch"}
    (folder / "metadata.yaml").write_text(yaml.safe_dump({"shuffles": {f"{name}-trainset95shuffle1": one}}))
    model = from_scratch(entry(*CASES["RTMPose"]), MODEL)
    assert not export_deeplabcut(model, project).trainable  # a split without its data is of no use
    data = f"lab_{config['scorer']}95shuffle{{}}.mat"
    (folder / data.format(1)).write_bytes(b"the labels")
    done = export_deeplabcut(model, project)
    assert done.trainable and done.shuffle == 102
    shuffles = yaml.safe_load((folder / "metadata.yaml").read_text())["shuffles"]
    assert shuffles[f"{name}-trainset95shuffle1"] == one
    assert shuffles[f"{name}-trainset95shuffle102"] == {**one, "index": 102}
    assert f"{name}-trainset95shuffle101" not in shuffles
    assert (folder / "Documentation_data-lab_95shuffle102.pickle").is_file()
    assert (folder / data.format(102)).read_bytes() == b"the labels"
    settings = yaml.safe_load((done.folder / "train" / "pytorch_config.yaml").read_text())
    assert settings["resume_training_from"] == str(done.snapshot.absolute())


def test_a_detector_goes_along(project: Path) -> None:
    found = get_entry("superanimal_quadruped_ssdlite")
    detector = DetectorModel(found, build_network(found.architecture, found.outputs, **found.options))
    done = export_deeplabcut(from_scratch(entry(*CASES["RTMPose"]), MODEL), project, detector=detector)
    assert done.detector_snapshot is not None and done.detector_snapshot.name == "snapshot-detector-250.pt"
    config = yaml.safe_load((done.folder / "train" / "pytorch_config.yaml").read_text())
    assert config["detector"]["model"]["type"] == "SSDLite"
    assert config["detector"]["resume_training_from"] == str(done.detector_snapshot.absolute())


def test_without_a_detector_one_can_be_trained_in_deeplabcut(project: Path) -> None:
    done = export_deeplabcut(from_scratch(entry(*CASES["RTMPose"]), MODEL), project)
    config = yaml.safe_load((done.folder / "train" / "pytorch_config.yaml").read_text())
    assert config["detector"]["train_settings"]["epochs"] > 0
    assert (
        config["detector"]["model"]["type"] == "SSDLite" and "resume_training_from" not in config["detector"]
    )


def test_names_may_differ(project: Path) -> None:
    names = ("snout", "left_ear", "right_ear", "tail_base")
    model = from_scratch(entry(*CASES["RTMPose"]), names)
    with pytest.raises(InputError, match="nose"):
        export_deeplabcut(model, project)
    done = export_deeplabcut(model, project, keypoint_map={"nose": "snout"})
    assert load_model(done.snapshot).keypoints == PROJECT


def test_what_deeplabcut_does_not_have_is_refused(project: Path, tmp_path: Path) -> None:
    mini = load_model("mini_topviewmouse")
    assert not known_to_deeplabcut(mini.entry)
    with pytest.raises(ModelError, match="pyramid_pose"):
        export_deeplabcut(mini, project)
    wide = from_scratch(entry(*CASES["RTMPose"], crop_margin=1.25), MODEL)
    with pytest.raises(ModelError, match=r"1\.25"):
        export_deeplabcut(wide, project)
    soft = from_scratch(entry("rtmpose_s", CASES["RTMPose"][1], HeadSpec("simcc", pixel_shift=0.5)), MODEL)
    with pytest.raises(ModelError, match="pixel"):
        export_deeplabcut(soft, project)
    with pytest.raises(NotFoundError, match="config"):
        export_deeplabcut(from_scratch(entry(*CASES["RTMPose"]), MODEL), tmp_path / "nowhere")
    assert not list(project.glob("dlc-models-pytorch/*"))
