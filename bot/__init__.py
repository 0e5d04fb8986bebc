"""The Slack channel: Bolt's app for clicks and commands, and the client that posts messages.

It imports the core, Bolt and Slack's SDK. `messenger`, `views` and `credentials` do not import Bolt.
"""
