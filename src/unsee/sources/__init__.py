"""Sources of classifiers: one file per source; the file's name is the source's name."""
