"""Dock *Fine-tune*: train a model on labels and evaluate the result."""
