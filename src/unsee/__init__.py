"""Find the image regions that a classifier's decision depends on."""

import lazy_loader

# Names are imported on first use, so that the command line can set how threads wait before torch is
# loaded. They are listed in `__init__.pyi`.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
