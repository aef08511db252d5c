from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from superanimal.training.loop import batches


def test_what_a_larger_batch_left_reserved_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card of 100: 4 samples take 95 of it (too much), 2 take 45; emptying alone gives memory back."""
    card = {"reserved": 0, "peak": 0}

    def reserve(amount: int) -> None:
        card["reserved"] = max(card["reserved"], amount)
        card["peak"] = max(card["peak"], card["reserved"])

    def loss(network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        size = len(batch["image"])
        reserve(min(25 * size - 5, 95))
        if size > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return {"loss": network(batch["image"]).sum()}

    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: card.update(reserved=0))
    monkeypatch.setattr(
        torch.cuda, "reset_peak_memory_stats", lambda device: card.update(peak=card["reserved"])
    )
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda device: card["peak"])
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(total_memory=100))
    samples = SimpleNamespace(collate=lambda parts: {"image": torch.stack([part["image"] for part in parts])})
    task = SimpleNamespace(samples=samples, loss=loss)
    network, sample = torch.nn.Linear(3, 1), {"image": torch.ones(3)}
    tried = [batches._fits(task, network, sample, size, torch.device("cpu")) for size in (8, 4, 2)]  # type: ignore[arg-type]
    assert tried == [False, False, True]
    assert network.weight.grad is None


def test_other_errors_are_not_taken_for_a_full_card(monkeypatch: pytest.MonkeyPatch) -> None:
    def loss(network: torch.nn.Module, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        raise RuntimeError("a shape is wrong")

    for name in ("empty_cache", "reset_peak_memory_stats"):
        monkeypatch.setattr(torch.cuda, name, lambda *device: None)
    samples = SimpleNamespace(collate=lambda parts: {"image": torch.ones(len(parts), 3)})
    task = SimpleNamespace(samples=samples, loss=loss)
    with pytest.raises(RuntimeError, match="a shape is wrong"):
        batches._fits(task, torch.nn.Linear(3, 1), {}, 2, torch.device("cpu"))  # type: ignore[arg-type]
