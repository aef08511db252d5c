"""Training: samples and augmentation, masked losses, networks, one loop, the four ways to adapt a model.

Nothing here is needed for analysing videos; lightning is loaded when a run begins.
"""
