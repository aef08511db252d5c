"""Neurodata Without Borders with the ndx-pose extension: read with h5py alone, written with pynwb."""

from superanimal.formats.nwb.containers import find_containers
from superanimal.formats.nwb.reading import read
from superanimal.formats.nwb.writing import write, write_each

__all__ = ["find_containers", "read", "write", "write_each"]
