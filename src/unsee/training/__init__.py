"""Training loops, one file each; settings are a frozen dataclass at the top."""
