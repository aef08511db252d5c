"""Training samples: crops of labelled images, and their augmentation."""
