"""Submissions of dialogs."""
