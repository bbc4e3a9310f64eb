"""How good is a saliency map? One file each; the file's name is the metric's name."""
