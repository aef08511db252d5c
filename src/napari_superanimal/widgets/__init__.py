"""Dock widgets: one per job, each a form over the functions of :mod:`napari_superanimal.console`."""
