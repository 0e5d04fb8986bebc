"""Clicks on buttons of a message or of the app's Home, and choices in menus."""
