"""SuperAnimal in napari: readers, writers and widgets over the core package ``superanimal``."""
