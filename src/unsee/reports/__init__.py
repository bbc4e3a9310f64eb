"""Summarise runs as Markdown, HTML, CSV and LaTeX."""
