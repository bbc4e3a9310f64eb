"""Plain networks; they know nothing of the rest."""
