"""Where classifiers come from. One file each; the file's name is the source's name."""
