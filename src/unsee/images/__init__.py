"""Read, crop, filter, segment and draw pictures."""
