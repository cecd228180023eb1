"""What a text holds that somebody may not want to publish: personal data, keys and passwords; and how to redact it.

A module for each kind finds spots; `together` sees to it that every place is of one kind.
"""
