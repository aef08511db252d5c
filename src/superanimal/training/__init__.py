"""Training: data sets, losses and loops (in this version: of the embedded mini models)."""
