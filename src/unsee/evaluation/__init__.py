"""Measuring on many photos."""
