"""Score masked images, and optimise masks."""
