"""Training: samples and augmentation, masked losses, networks, the training loop, fine-tuning methods.

Not needed for analysing videos; lightning is loaded when a run starts.
"""
