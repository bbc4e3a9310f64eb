"""What people read: tables, pages, escaped text, progress and experiment trackers."""
