"""Build the documentation site: `make docs`, or `python -m docs.site`."""
