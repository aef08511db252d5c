from .lab import Measures as Measures
from .lab import measure as measure
from .regions import Regions as Regions
from .regions import read_regions as read_regions
from .regions import regions_from_shapes as regions_from_shapes
