"""Draw poses onto a video and write the labelled video."""
