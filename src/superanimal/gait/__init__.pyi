from .analysis import analyze as analyze
from .correction import correct as correct
from .event_files import read_events as read_events
from .event_files import write_boris as write_boris
from .exclusion import exclude as exclude
from .limbs import find_limbs as find_limbs
from .result import GaitResult as GaitResult
