"""Use unsee from Captum, Quantus and torchmetrics."""
