"""Files and folders: read with bounds, written whole or not at all."""
