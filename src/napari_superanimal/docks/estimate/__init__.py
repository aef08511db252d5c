"""Dock *Estimate poses*: estimate poses in a video."""
