"""Training of mask networks and of the in-filling network: one file per network."""
