"""Background jobs: tasks, events, and the child process that runs them beside a viewer."""
