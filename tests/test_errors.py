from __future__ import annotations

import pytest

from superanimal import errors


def test_message_joins_problem_rule_and_remedy():
    error = errors.InputError("fps is -3", "it must be positive", "pass fps=30")
    assert str(error) == "fps is -3; it must be positive; pass fps=30"
    assert isinstance(error, ValueError)


def test_unknown_name_lists_near_ones_and_otherwise_all():
    error = errors.unknown_name("model", "mini_topviewmose", ["mini_topviewmouse", "superanimal_bird"])
    assert "mini_topviewmouse" in str(error)
    assert "superanimal_bird" not in str(error)
    assert "superanimal_bird" in str(errors.unknown_name("model", "xyz", ["superanimal_bird"]))


def test_every_error_has_its_own_exit_code():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    codes = [kind.exit_code for kind in kinds if issubclass(kind, errors.SuperAnimalError)]
    assert len(codes) > 8
    assert len(set(codes)) == len(codes)
    assert 0 not in codes


def test_can_be_pickled_across_processes():
    import pickle

    error = pickle.loads(pickle.dumps(errors.VideoError("clip.mp4: broken", "rule", "remedy")))
    assert str(error) == "clip.mp4: broken; rule; remedy"


@pytest.mark.parametrize("name", ["analyze", "load_poses", "load_space", "open_video", "save_poses"])
def test_public_names_resolve(name):
    import superanimal

    assert callable(getattr(superanimal, name))
