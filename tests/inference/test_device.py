from __future__ import annotations

import numpy as np
import pytest
import torch

from superanimal.errors import DeviceError, InputError
from superanimal.inference.batches import Batches
from superanimal.inference.device import resolve_device, resolve_precision
from superanimal.zoo.loaded_model import autocast


def test_auto_takes_what_is_there() -> None:
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert resolve_device() == expected
    assert resolve_device("cpu") == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_missing_gpu_is_said() -> None:
    with pytest.raises(DeviceError, match=r"'cuda' was requested but no such device") as error:
        resolve_device("cuda")
    assert "check the driver" in error.value.remedy
    with pytest.raises(DeviceError):
        resolve_device("cuda:3")


def test_nonsense_is_refused() -> None:
    with pytest.raises(InputError, match="unknown device 'gpu'"):
        resolve_device("gpu")
    with pytest.raises(InputError, match="unknown precision 'int3'"):
        resolve_precision("int3", "cpu")


def test_precision() -> None:
    cpu = "cpu"
    assert resolve_precision("auto", cpu) == "fp32"
    assert resolve_precision("auto", "cuda", exact=True) == "fp32"
    assert resolve_precision("bf16", cpu) == "bf16"
    with autocast("bf16", cpu):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    with autocast("fp32", cpu):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("not enough memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ],
)
def test_batches_shrink_until_they_fit(error: RuntimeError) -> None:
    sizes = []

    def work(part: np.ndarray) -> np.ndarray:
        sizes.append(len(part))
        if len(part) > 5:
            raise error
        return part * 2

    batches = Batches(32)
    results = batches.run(work, np.arange(40))
    assert np.concatenate(results).tolist() == (np.arange(40) * 2).tolist()
    assert batches.size == 4
    assert sizes[:4] == [32, 16, 8, 4]
    assert set(sizes[4:]) == {4}


def test_one_item_too_many_is_an_error() -> None:
    def work(part: np.ndarray) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(DeviceError, match="one image"):
        Batches(8).run(work, np.arange(3))


def test_other_errors_pass() -> None:
    def work(part: np.ndarray) -> None:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        Batches(8).run(work, np.arange(3))


def test_a_batch_holds_something() -> None:
    with pytest.raises(InputError):
        Batches(0)
