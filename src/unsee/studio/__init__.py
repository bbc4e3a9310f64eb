"""The studio: a web page where a user explains photos."""
