"""The server for agents (Model Context Protocol): what the command line does, as tools with typed results.

`server` speaks the protocol, `places` keeps it in its folder, `answers` are what it says (docs/editors.md).
"""
