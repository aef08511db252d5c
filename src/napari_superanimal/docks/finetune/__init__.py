"""Dock *Fine-tune*: train a model on labels, and see what it gained."""
