from .analysis import analyze as analyze
from .limbs import find_limbs as find_limbs
from .result import GaitResult as GaitResult
