"""Dock *Track animals*: identities that last, and how sure they are."""
