"""One folder per dock: a form that builds one core call, and what shows its result."""
