"""The command line `approvals`: request, list, export, and check a deployed stack."""
