"""Cells of masks: the grid of a method, or segments of the photo."""
