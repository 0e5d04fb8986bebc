"""The acceptance story of `approvals verify-deployment`: what it proves of a deployed stack, and how it cleans up."""
