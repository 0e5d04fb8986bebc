"""The core: what an approval is, how it changes, where it is stored, and which tasks follow.

It knows no channel: its packages are layers, `services` above `store` and `adapters`, those above `requests`, and
`domain` below all.
"""
