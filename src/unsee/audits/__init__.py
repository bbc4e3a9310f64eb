"""Audits: which regions outside the object carry the decisions, and whether they cause them."""
