"""Training samples: crops of labelled images, their augmentation."""
