"""What `approvals doctor` looks at: a check for each thing that can be wrong, and what mends it."""
