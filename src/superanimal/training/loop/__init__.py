"""The one training loop: tasks, losses, recipes, exact resume."""
