"""Dock *Keypoint mapping*: map the keypoints of a data set to those of a model."""
