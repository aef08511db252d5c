"""Weight files: every container is read, damage and code are refused in clear words."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from superanimal.errors import ModelError, NotFoundError
from superanimal.zoo import load_detector, load_model
from superanimal.zoo.checkpoint import compare, fill, read_checkpoint, write_weights


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    return {"backbone.a": torch.arange(6.0).reshape(2, 3), "heads.b": torch.tensor(2)}


def same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> bool:
    return found.keys() == expected.keys() and all(torch.equal(found[k], expected[k]) for k in expected)


def test_containers(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    from safetensors.torch import save_file

    metadata = {"epoch": 4, "metrics": {"a": np.float64(0.5), "b": np.float32(1), "c": np.int64(3)}}
    files = {
        "deeplabcut.pt": {"model": state, "metadata": metadata, "optimizer": {"lr": 0.1, "state": {}}},
        "state_dict.pth": {"state_dict": state},
        "bare.pt": state,
        "parallel.pt": {"model": {f"module.{key}": value for key, value in state.items()}},
    }
    for name, content in files.items():
        torch.save(content, tmp_path / name)
        assert same(read_checkpoint(tmp_path / name).state, state), name
    assert read_checkpoint(tmp_path / "deeplabcut.pt").metadata["metrics"]["a"] == 0.5
    save_file(state, tmp_path / "plain.safetensors")
    assert same(read_checkpoint(tmp_path / "plain.safetensors").state, state)


class Evil:
    """A pickle that would create a file when it is loaded."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("plain_pickle", [False, True])
def test_a_malicious_pickle_is_refused_and_not_run(tmp_path: Path, plain_pickle: bool) -> None:
    trace, path = tmp_path / "trace", tmp_path / "superanimal_quadruped_hrnet_w32.pt"
    content = {"model": {"a": torch.zeros(1)} if not plain_pickle else {}, "metadata": Evil(trace)}
    if plain_pickle:
        path.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, path)
    for load in (read_checkpoint, load_model):
        with pytest.raises(ModelError, match=r"refused.*system") as caught:
            load(path)
        assert "can run code" in caught.value.rule
    assert not trace.exists()
    if plain_pickle:  # the proof that the file is dangerous
        pickle.loads(path.read_bytes())
        assert trace.exists()


@pytest.mark.parametrize("name", ["cut.pt", "cut.safetensors"])
def test_a_truncated_file(tmp_path: Path, state: dict[str, torch.Tensor], name: str) -> None:
    from safetensors.torch import save_file

    path = tmp_path / name
    save_file(state, path) if path.suffix == ".safetensors" else torch.save({"model": state}, path)
    whole = path.read_bytes()
    for size in (0, 3, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelError, match=f"{size} bytes.*cannot be read as weights"):
            read_checkpoint(path)


def test_what_is_no_state_dict(tmp_path: Path) -> None:
    for content, said in (
        ([1, 2], "a list"),
        ({"epoch": 1}, "epoch"),
        ({"model": {"a": torch.zeros(1), "b": 3}}, "model"),
    ):
        torch.save(content, tmp_path / "odd.pt")
        with pytest.raises(ModelError, match=said):
            read_checkpoint(tmp_path / "odd.pt")
    (tmp_path / "text.pt").write_text("hello, this is no weight file")
    with pytest.raises(ModelError, match="cannot be read"):
        read_checkpoint(tmp_path / "text.pt")
    with pytest.raises(NotFoundError):
        read_checkpoint(tmp_path / "none.pt")


def test_every_tensor_that_does_not_fit_is_named(tmp_path: Path, ssdlite_file: Path) -> None:
    content = torch.load(ssdlite_file, weights_only=False)
    state = content["model"]
    names = list(state)
    del state[names[0]]
    state[names[5]] = torch.zeros(1)
    state["model.extra"] = torch.zeros(1)
    path = tmp_path / ssdlite_file.name
    torch.save(content, path)
    with pytest.raises(ModelError) as caught:
        load_detector(path)
    for said in (f"1 missing from the file: {names[0]}", "1 unknown to the network: model.extra", names[5]):
        assert said in caught.value.problem
    assert "(file (1,), network" in caught.value.problem


def test_only_the_counters_of_normalisation_may_be_missing(tmp_path: Path, ssdlite_file: Path) -> None:
    content = torch.load(ssdlite_file, weights_only=False)
    frozen = {k: v for k, v in content["model"].items() if not k.endswith("num_batches_tracked")}
    assert len(frozen) < len(content["model"])
    path = tmp_path / ssdlite_file.name
    torch.save({"model": frozen}, path)
    loaded = load_detector(path).network.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in frozen.items())


def test_written_weights_are_read_back_and_readable_by_others(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    path = tmp_path / "weights.safetensors"
    assert write_weights(network, path, {"step": "3"}) == 6
    found = read_checkpoint(path)
    assert found.metadata == {"step": "3"}
    assert compare(network, found.state)
    other = tmp_path / "other"
    other.touch()
    assert path.stat().st_mode == other.stat().st_mode


def test_statistics_too_large_for_float16_are_kept(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    network[1].running_var.fill_(1e5)
    write_weights(network, tmp_path / "weights.safetensors", {}, half=True)
    found = read_checkpoint(tmp_path / "weights.safetensors").state
    assert found["0.weight"].dtype == torch.float16
    assert torch.equal(found["1.running_var"], network[1].running_var)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_weights_that_are_not_finite_are_neither_written_nor_loaded(tmp_path: Path, value: float) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    path = tmp_path / "weights.safetensors"
    write_weights(network, path, {})
    network[1].running_var[2] = value
    with pytest.raises(ModelError, match=r"1 of 6 tensors hold .*, 1\.running_var"):
        write_weights(network, tmp_path / "other.safetensors", {})
    assert not (tmp_path / "other.safetensors").exists()
    broken = replace(read_checkpoint(path), state=network.state_dict())
    with pytest.raises(ModelError, match="finite"):
        fill(network, broken, "a model")
