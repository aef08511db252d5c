from .combine import concatenate as concatenate
from .images import ImageRef as ImageRef
from .labelled_set import LabelledSet as LabelledSet
from .labelled_set import from_poses as from_poses
from .reading import read_labels as read_labels
from .sheet import contact_sheet as contact_sheet
from .synthetic import synthetic_labels as synthetic_labels
from .writing import materialize as materialize
