"""Lossless conversion between pose data sets and Points layers."""
