"""Training on a user's labels: methods, memory replay, before and after, verdict."""
