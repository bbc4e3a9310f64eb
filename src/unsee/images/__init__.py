"""Read, frame, filter and draw pictures."""
