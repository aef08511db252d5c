"""``model="auto"``: the embedded model that suits the video, said, kept by a run that goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from watching import Listening

from superanimal.errors import InputError
from superanimal.inference import Analyzers
from superanimal.samples import sample_path

MOUSE, HORSE = sample_path("topview_mouse.mp4"), sample_path("sideview_horse.mp4")


@pytest.fixture(scope="module")
def analyzers(tmp_path_factory: pytest.TempPathFactory) -> Analyzers:
    return Analyzers(out=tmp_path_factory.mktemp("auto"), device="cpu", formats=(), frames="0:2")


@pytest.mark.parametrize(
    ("video", "model", "animal"),
    [(MOUSE, "mini_topviewmouse", "mouse from above"), (HORSE, "mini_quadruped", "quadruped from the side")],
)
def test_the_model_that_sees_the_animal_is_taken_and_said(
    analyzers: Analyzers, video: Path, model: str, animal: str
) -> None:
    heard = Listening()
    assert analyzers.of(video, heard).model.entry.name == model
    (said,) = heard.messages
    assert said.startswith(f"{video.name}: looks like a {animal} (mini_topviewmouse ")


def test_a_run_that_goes_on_keeps_its_model(analyzers: Analyzers) -> None:
    analyzers._analyzer("mini_quadruped").run(MOUSE)  # somebody chose it
    heard = Listening()
    assert analyzers.of(MOUSE, heard).model.entry.name == "mini_quadruped"
    assert not heard.messages


def test_what_belongs_to_a_model_needs_one() -> None:
    for option in ("detector", "offsets"):
        with pytest.raises(InputError, match=f"{option} was given, but no model"):
            Analyzers(**{option: "mini_topviewmouse_detector"})
    assert Analyzers("mini_quadruped", device="cpu").of(MOUSE).model.entry.name == "mini_quadruped"


@pytest.mark.slow
def test_the_wrong_model_is_told(tmp_path: Path) -> None:
    heard = Listening()
    wrong = Analyzers("mini_quadruped", out=tmp_path, device="cpu", formats=(), frames="0:6")
    wrong.run(MOUSE, heard)
    assert any("this looks like the animal of mini_topviewmouse" in said for said in heard.messages), (
        heard.messages
    )
