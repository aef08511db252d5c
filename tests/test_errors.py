from __future__ import annotations

import ast
import re
from pathlib import Path

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


def test_a_remedy_reads_as_its_caller_works():
    error = errors.InputError("x", remedy=f"choose another folder{errors.option('out')}, or ask")
    assert str(error) == "x; choose another folder (out=...), or ask"
    assert error.parts("shell")[2] == "choose another folder (--out), or ask"
    assert error.parts("viewer")[2] == error.text("viewer")[3:] == "choose another folder, or ask"
    assert errors.option("resume", "False", "--overwrite") == errors.by_caller(
        " (resume=False)", " (--overwrite)"
    )


SOURCES = Path(errors.__file__).parent
PLUGIN = SOURCES.parent / "napari_superanimal"
FLAG = re.compile(
    r"(?<![\w-])--[a-z]|\bsuperanimal (?:analyze|models|match|convert|train|finetune|info|doctor)\b"
)
ARGUMENT = re.compile(r"\b[a-z_]+=(?:\.\.\.|[A-Z]|')|\b[a-z_]+\([a-z_.]*\.\.\.")


def messages(tree: ast.AST) -> list[ast.AST]:
    """Strings that somebody may read: all but docstrings, and what is told to one caller only."""
    passed_over: set[int] = set()
    for node in ast.walk(tree):
        skipped: list[ast.AST] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "by_caller":
                skipped = list(node.args[:2])
            elif node.func.id in ("option", "__import__"):
                skipped = list(node.args)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
            skipped = list(node.args)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped = [node.value]
        passed_over |= {id(inner) for one in skipped for inner in ast.walk(one)}
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed_over
    ]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=str(path.relative_to(SOURCES.parent)))
        for path in sorted([*SOURCES.rglob("*.py"), *PLUGIN.rglob("*.py")])
        if "cli" not in path.relative_to(SOURCES.parent).parts
    ],
)
def test_no_message_outside_the_command_line_speaks_of_its_options(path: Path):
    texts = [(node.lineno, node.value) for node in messages(ast.parse(path.read_text("utf-8")))]
    wrong = [
        (line, text)
        for line, text in texts
        if text.count(" ") > 1 and "<" not in text and (FLAG.search(text) or ARGUMENT.search(text))
    ]
    assert not wrong, f"say it with superanimal.errors.option or by_caller: {wrong}"


def test_the_check_of_messages_sees_what_it_should():
    bad = (
        "raise E(f'x {y}', 'use another --model') or E('give fps=... here') or by_caller('', '', 'see --out')"
    )
    good = (
        "raise E('x', f'use another model{option(\"model\")}' + by_caller('out=...', '--out', 'choose it'))"
    )
    found = [
        node.value
        for node in messages(ast.parse(bad))
        if FLAG.search(node.value) or ARGUMENT.search(node.value)
    ]
    assert found == ["use another --model", "give fps=... here", "see --out"]
    assert not [
        n.value for n in messages(ast.parse(good)) if FLAG.search(n.value) or ARGUMENT.search(n.value)
    ]
