"""In-fillers, which replace removed pixels. One file each; the file's name is the in-filler's."""
