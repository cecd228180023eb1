"""What an exception says to a person, in one sentence: what, where, what to do."""

from __future__ import annotations

import os


def sentence(error: BaseException) -> str:
    """One for any error. Ours are written for people; of those of the system it is said what they are about, and of all
    others that they should not have happened."""
    if type(error).__module__.startswith("dsprep."):
        return str(error)
    if isinstance(error, OSError):
        if not error.filename:
            return (error.strerror or str(error)).lower()
        # Files are written beside their target under another name, which says nothing to the user.
        place, name = os.path.split(os.fsdecode(error.filename))
        if place and not os.path.isdir(place):
            return f"{place}: there is no such folder"
        place = place if name.endswith(".dsprep-tmp") else os.fsdecode(error.filename)
        return f"{place}: {(error.strerror or str(error)).lower()}"
    if type(error).__name__ == "BrokenProcessPool":
        return "a worker process died, most likely for lack of memory; try again with --workers 1"
    if isinstance(error, MemoryError):
        return "out of memory; try again with --workers 1"
    return (
        f"dsprep failed with {type(error).__name__}: {error}. This is a bug in dsprep; "
        "run again with DSPREP_DEBUG=1 in the environment and report what it prints"
    )
