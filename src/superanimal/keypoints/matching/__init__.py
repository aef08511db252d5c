"""Matching the keypoints of a model to those of labels by position."""
