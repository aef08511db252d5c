"""The bridge between pose data sets and Points layers, lossless in both directions."""
