"""Methods that explain a classifier's score: one file each, whose name is the method's name."""
