"""Scenes are rendered once and read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rendered import shard_of

from superanimal.errors import NotFoundError
from superanimal.training.embedded import scenes
from superanimal.training.embedded.scenes import open_shards, scenes_hash
from superanimal.training.embedded.subjects import MOUSE


def test_scene_cache_reads_what_was_rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "SHARD", 2)
    monkeypatch.setitem(scenes.KINDS, "pose", scenes.SceneKind(MOUSE, 96, (30.0, 45.0), (0.0, 1.0), 5))
    with pytest.raises(NotFoundError, match="no scenes"):
        open_shards(tmp_path, "pose")
    path = scenes.render_shard(tmp_path, "pose", 0)
    stamp = path.stat().st_mtime_ns
    assert scenes.render_shard(tmp_path, "pose", 0) == path and path.stat().st_mtime_ns == stamp
    (shard,) = open_shards(tmp_path, "pose")
    assert shard.images.shape == (2, 96, 96, 3) and shard.keypoints.shape == (2, 1, 27, 2)


def test_digest_tells_scenes_apart() -> None:
    a, b = shard_of(1, 96, 40.0), shard_of(1, 96, 40.0, seed=7)
    assert scenes_hash([a]) == scenes_hash([replace(a)])
    assert len({scenes_hash(shards) for shards in ([a], [b], [a, b], [b, a])}) == 4
