"""Find the image regions that a classifier's decision depends on."""

from .classifiers.classifier import Classifier as Classifier
from .classifiers.loading import load as load
from .classifiers.measures import Against as Against
from .errors import InputError as InputError
from .explaining import explain as explain
from .explanation import Explanation as Explanation
from .images.framing import Framing as Framing
from .masking.score import MaskedScore as MaskedScore
from .registry import available as available
from .registry import create as create
from .sources.blackbox import black_box as black_box
from .study import Study as Study
