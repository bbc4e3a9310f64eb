"""Labelled photos: one file per layout; the file's name is the name of the data set."""
