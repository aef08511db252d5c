"""The training loop: tasks, losses, recipes, exact resume."""
