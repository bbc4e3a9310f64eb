"""Hostile inputs, each with the law that it must meet; see `tests.hostile.law`."""
