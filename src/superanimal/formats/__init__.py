"""Loading and saving poses: one module per format, one registry that recognises files by their content."""

from superanimal.formats.loss import LossWarning
from superanimal.formats.recognise import recognise
from superanimal.formats.registry import format_names, load_poses, save_poses

__all__ = ["LossWarning", "format_names", "load_poses", "recognise", "save_poses"]
