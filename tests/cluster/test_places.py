from __future__ import annotations

import importlib.util
import re

import pytest

from superanimal import extras
from superanimal.cluster import places
from superanimal.cluster.places import check_place, connected
from superanimal.cluster.worker import WorkerError
from superanimal.errors import InputError


def test_a_cluster_is_one_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    for good in ("local", "tcp://10.0.0.1:8786", "tls://head:8786"):
        check_place(good)
    monkeypatch.setattr(places.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="there is no sbatch here"):
        check_place("slurm")
    with pytest.raises(InputError, match=r"'cloud'; it is one of local, slurm, tcp://HOST:PORT"):
        check_place("cloud")
    with pytest.raises(InputError, match="every worker sees one GPU"):
        check_place("local", "cuda:1")


@pytest.mark.parametrize(("cluster", "module"), [("local", "distributed"), ("slurm", "dask_jobqueue")])
def test_a_missing_package_is_named_with_its_command(
    cluster: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == module else find(name))
    with pytest.raises(InputError, match=re.escape('pip install "napari-superanimal[cluster]"')):
        check_place(cluster)


def test_a_scheduler_that_does_not_answer_is_an_error_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "CONNECT_S", 0.5)
    with (
        pytest.raises(WorkerError, match=r"no scheduler answers at tcp://127\.0\.0\.1:9") as raised,
        connected("tcp://127.0.0.1:9", None, "cpu"),
    ):
        pass
    assert "dask scheduler" in raised.value.remedy


def test_gpus_of_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "may_have_accelerator", lambda: True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-abc")
    assert places._gpus("auto") == ["2", "GPU-abc"]
    assert places._gpus("cpu") == []
