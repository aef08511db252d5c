"""One look for every report: pages, tables, figures, files."""
