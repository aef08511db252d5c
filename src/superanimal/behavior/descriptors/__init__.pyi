from .presets import Preset as Preset
from .presets import get_preset as get_preset
from .recording import load_recording as load_recording
from .table import features as features
from .table import write_features as write_features
