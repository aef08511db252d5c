"""Dock *Display poses*: colours, cut-off, skeleton, boxes and trails of a pose layer."""
