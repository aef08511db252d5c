"""Dock *Estimate poses*: from a video to its poses."""
