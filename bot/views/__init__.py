"""What the app shows: Block Kit, with the ids of its buttons beside them."""
