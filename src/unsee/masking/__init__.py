"""Masked images: composition, scores, and the optimisation of masks."""
