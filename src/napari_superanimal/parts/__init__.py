"""Parts shared by the docks: the job panel, forms, choices, dialogs."""
