"""The GPU benchmark runs through on the CPU: a card that is lent for minutes meets no typing error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_dry_run_passes_in_every_part(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "benchmarks/gpu.py", "--device", "cpu", "--quick", "--out", str(tmp_path)],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    parts = json.loads((tmp_path / "gpu.json").read_text("utf-8"))
    assert set(parts) == {"machine", "agreement", "speed", "memory", "finetune", "variants"}
    for name, part in parts.items():
        assert part["rows"], name
        assert not part["error"], name
