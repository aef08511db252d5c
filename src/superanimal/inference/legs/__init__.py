"""Distinguishing left and right legs over time."""
