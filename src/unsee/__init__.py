"""Find the image regions that a classifier's decision depends on."""

from unsee.classifiers.classifier import Classifier as Classifier
from unsee.classifiers.loading import load as load
from unsee.classifiers.measures import Against as Against
from unsee.errors import InputError as InputError
from unsee.explanation import Explanation as Explanation
from unsee.images.framing import Framing as Framing
from unsee.masking.score import MaskedScore as MaskedScore
from unsee.registry import available as available
from unsee.registry import create as create
from unsee.sources.blackbox import black_box as black_box
from unsee.study import Study as Study
from unsee.study import explain as explain
