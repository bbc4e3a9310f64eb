"""Ways to explain a classifier's score. One file each; the file's name is the method's name."""
