"""New networks: heads and detectors that can be trained."""
