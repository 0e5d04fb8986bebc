"""The command line `approvals`: asks, lists, exports, and looks after a deployed stack."""
