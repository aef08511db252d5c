"""What docks share: the view of a running job, forms, choices, dialogs."""
