"""Labelled photos. One file for each layout; the file's name is the data set's name."""
