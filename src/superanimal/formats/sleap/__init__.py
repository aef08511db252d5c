"""SLEAP projects (``.slp``, ``.pkg.slp``) and analysis files (``.analysis.h5``)."""

from superanimal.formats.sleap.analysis import read_analysis, write_analysis
from superanimal.formats.sleap.project import read_slp
from superanimal.formats.sleap.project_writing import write_slp

__all__ = ["read_analysis", "read_slp", "write_analysis", "write_slp"]
