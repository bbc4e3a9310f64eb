"""Metrics of saliency maps: one file per metric, named after the metric."""
