"""What a removed pixel is replaced with. One file each; the file's name is the in-filler's name."""
