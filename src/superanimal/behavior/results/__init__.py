"""What the animals did: ethograms, budgets, transitions, bins and pages about them."""
