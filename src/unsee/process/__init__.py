"""The process: its threads, its children and the libraries that it loads on first use."""
