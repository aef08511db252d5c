from .analysis import analyze as analyze
from .correction import correct as correct
from .exclusion import exclude as exclude
from .limbs import find_limbs as find_limbs
from .result import GaitResult as GaitResult
