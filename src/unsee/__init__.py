"""Which part of a picture, had it plausibly not been there, would have changed the answer?"""

from unsee.classifier import Classifier as Classifier
from unsee.errors import InputError as InputError
from unsee.explain import Study as Study
from unsee.explain import explain as explain
from unsee.explanation import Explanation as Explanation
from unsee.framing import Framing as Framing
from unsee.loading import load as load
from unsee.measures import Against as Against
from unsee.registry import available as available
from unsee.registry import create as create
from unsee.score import MaskedScore as MaskedScore
from unsee.sources.blackbox import black_box as black_box
