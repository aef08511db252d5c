from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_gpu_benchmark_runs_dry_on_the_cpu(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARK), "--device", "cpu", "--quick", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    results = json.loads((tmp_path / "gpu.json").read_text("utf-8"))
    assert {part: found["error"] for part, found in results.items()} == dict.fromkeys(
        ("machine", "agreement", "speed", "memory", "finetune"), ""
    )
    rows = [row for found in results.values() for row in found["rows"]]
    assert [row for row in rows if "failed" in row] == []
    assert all(found["rows"] for found in results.values())
    assert done.returncode == 0 and done.stdout.endswith("every part ran\n")
    exact = [row for row in results["agreement"]["rows"] if row["precision"] == "fp32"]
    assert len(exact) == 2 and all(row["median_px"] == 0 for row in exact)
