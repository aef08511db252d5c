"""Shared parts of all reports: pages, tables, figures, files."""
