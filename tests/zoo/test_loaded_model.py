from __future__ import annotations

from torch import nn

from superanimal.zoo import ModelEntry, load_catalog
from superanimal.zoo.loaded_model import LoadedModel


def test_the_digest_is_that_of_what_the_network_computes() -> None:
    """A training that was resumed ends with the same weights, but has counted fewer batches."""
    entry: ModelEntry = load_catalog()["mini_topviewmouse"]
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    model = LoadedModel(entry, network)
    digest = model.digest()
    network[1].num_batches_tracked += 7
    assert model.digest() == digest
    network[1].running_mean += 1
    assert model.digest() != digest
