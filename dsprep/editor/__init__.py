"""The language server: what is wrong with the data that is open in an editor, while it is written (docs/editors.md).

`server` speaks the protocol, `drafts` knows what is wrong with a text, `texts` and `json_places` where in it.
"""
