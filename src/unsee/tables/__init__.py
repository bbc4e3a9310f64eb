"""Tables and figures of papers by name: one TOML file each, for `unsee evaluate --plan`."""
