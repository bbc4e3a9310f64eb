"""Adapters to Captum, Quantus and torchmetrics."""
