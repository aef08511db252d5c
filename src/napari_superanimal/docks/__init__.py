"""One folder per dock: a form that builds one core call, and the view of its result."""
