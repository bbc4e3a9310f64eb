"""Load, wrap, time and randomise image classifiers."""
