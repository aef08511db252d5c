"""A run that is killed and started again ends with the same bits as one that is left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from killed_run import train
from safetensors.torch import load_file

SCRIPT = Path(__file__).parents[2] / "support" / "killed_run.py"


def start_and_kill(folder: Path, after: int) -> None:
    """Run the script until it has made so many steps, then kill it at once."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(SCRIPT.parent)}
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.split() == ["step", str(after)]:
            process.send_signal(signal.SIGKILL)
            break
    assert process.wait(60) == -signal.SIGKILL


@pytest.mark.parametrize("after", [pytest.param(3, marks=pytest.mark.slow), 15])
def test_killed_run_gives_the_same_weights(after: int, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        start_and_kill(tmp_path / "killed", after)
        run = tmp_path / "killed" / "run"
        assert (run / "last.ckpt").exists() == (after > 6)
        assert (run / "best.safetensors").exists()
        train(tmp_path / "killed")
        train(tmp_path / "whole")
    finally:
        torch.set_num_threads(threads)
    ends = [
        torch.load(tmp_path / name / "run" / "last.ckpt", weights_only=True) for name in ("killed", "whole")
    ]
    killed, whole = (end["state_dict"] for end in ends)
    assert set(killed) == set(whole)
    assert [name for name in whole if not torch.equal(killed[name], whole[name])] == []
    assert ends[0]["global_step"] == ends[1]["global_step"] == 24
    best = [load_file(tmp_path / name / "run" / "best.safetensors") for name in ("killed", "whole")]
    assert all(torch.equal(best[0][name], best[1][name]) for name in best[1])
    curves = [(tmp_path / name / "run" / "curves.csv").read_text() for name in ("killed", "whole")]
    without_time = [[line.split(",")[:4] for line in text.splitlines()] for text in curves]
    assert without_time[0] == without_time[1]


@pytest.mark.slow
def test_two_processes_train_together(tmp_path: Path) -> None:
    script = SCRIPT.with_name("two_processes.py")
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(SCRIPT.parent)}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), "2"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("finished finished") == 1  # the second process ends in silence
    state = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)
    assert state["global_step"] == 8
