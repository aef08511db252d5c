"""Dock *Keypoint mapping*: which keypoint of a model is which of the labels."""
