"""Networks, files of weights and feature extraction; independent of methods and in-fillers."""
