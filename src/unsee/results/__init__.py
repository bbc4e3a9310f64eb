"""Assess, draw and write explanations."""
