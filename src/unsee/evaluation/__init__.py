"""Evaluate explanation methods on many photos."""
