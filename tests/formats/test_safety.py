"""Files prepared to run code are refused, and no code runs."""

from __future__ import annotations

import contextlib
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tables

from superanimal.errors import FormatError
from superanimal.formats import load_poses
from superanimal.formats.pandas_h5 import write_frame
from superanimal.formats.unpickle import Stub, loads
from superanimal.formats.wide_table import WideTable


class Bomb:
    """Makes a folder when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def prediction(tmp_path: Path) -> Path:
    path = tmp_path / "clip.h5"
    columns = [("s", None, "nose", coord) for coord in ("x", "y", "likelihood")]
    write_frame(WideTable(columns, np.arange(3), np.ones((3, 3), dtype=np.float32)), path)
    return path


@pytest.mark.parametrize(
    ("node", "attribute"), [("/df_with_missing/table", "values_block_0_kind"), ("/df_with_missing", "info")]
)
def test_code_in_an_attribute_does_not_run(prediction: Path, node: str, attribute: str) -> None:
    target = prediction.parent / "exploded"
    with tables.open_file(str(prediction), "r+") as file:
        file.get_node(node)._v_attrs[attribute] = np.bytes_(pickle.dumps(Bomb(target), 0))
    with pytest.raises(FormatError, match="mkdir"):
        load_poses(prediction)
    assert not target.exists()
    with contextlib.suppress(Exception):  # the charge is live: pandas sets it off
        pd.read_hdf(prediction)
    assert target.exists()


def test_code_in_an_object_array_does_not_run(tmp_path: Path) -> None:
    path, target = tmp_path / "labels.h5", tmp_path / "exploded"
    columns = pd.MultiIndex.from_product(
        [["s"], ["nose"], ["x", "y"]], names=["scorer", "bodyparts", "coords"]
    )
    pd.DataFrame(np.ones((2, 2)), columns=columns, index=["a.png", "b.png"]).to_hdf(
        path, key="df_with_missing"
    )
    with tables.open_file(str(path), "r+") as file:
        file.remove_node("/df_with_missing/axis1")
        rows = file.create_vlarray("/df_with_missing", "axis1", tables.ObjectAtom())
        rows.append(Bomb(target))
        rows.attrs.kind = "object"
    with pytest.raises(FormatError, match="mkdir"):
        load_poses(path)
    assert not target.exists()


def test_code_in_a_pickle_file_does_not_run(tmp_path: Path) -> None:
    path, target = tmp_path / "clipDLC_full.pickle", tmp_path / "exploded"
    path.write_bytes(pickle.dumps({"metadata": Bomb(target)}))
    with pytest.raises(FormatError, match="mkdir"):
        load_poses(path)
    assert not target.exists()


@pytest.mark.parametrize("name", ["eval", "getattr", "__import__", "object"])
def test_builtins_are_refused(name: str) -> None:
    with pytest.raises(FormatError, match=name):
        loads(b"cbuiltins\n" + name.encode() + b"\n.")


def test_classes_of_deeplabcut_become_inert() -> None:
    value = loads(b"cdeeplabcut.core.config\nNetType\n(S'resnet_50'\ntR.")
    assert isinstance(value, Stub)
    assert value.arguments == ("resnet_50",)


def test_plain_data_come_through() -> None:
    data = {"a": [1, 2.5, None, "é"], "b": np.arange(6.0).reshape(2, 3), "c": np.float32(3), "d": {1, 2}}
    for protocol in range(6):
        back = loads(pickle.dumps(data, protocol))
        assert back["a"] == data["a"] and back["c"] == 3 and back["d"] == {1, 2}
        np.testing.assert_array_equal(back["b"], data["b"])
    index = pd.MultiIndex.from_product([pd.Index(["s"], dtype=object), pd.Index(["a", "b"], dtype=object)])
    assert loads(pickle.dumps(pd.Index([1, 2]))) == [1, 2]
    assert loads(pickle.dumps(index)) == [("s", "a"), ("s", "b")]


@pytest.mark.parametrize("data", [b"", b"\x80", pickle.dumps([1, 2])[:-3]])
def test_damaged_pickle_is_a_format_error(data: bytes) -> None:
    with pytest.raises(FormatError, match="damaged"):
        loads(data)
