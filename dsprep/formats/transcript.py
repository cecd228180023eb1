"""Conversations cut out of a chat or a transcript, as `sources.transcripts` gives them: not a format of files.

`{"transcript": [{"speaker": "Ann", "role": "user", "text": "…", "place": "line 7"}, …], "started": …}`; `place` is
where the turn stands in the file.
"""

from __future__ import annotations

from typing import Any, Final

from dsprep.model.record import Example

NAME: Final = "transcript"

KEYS: Final = frozenset({"transcript"})

_TURN: Final = frozenset({"speaker", "role", "text", "place"})


def recognises(value: dict[str, Any]) -> bool:
    """Whether `value` is such a conversation, and the assistant says something in it."""
    turns = value.get("transcript")
    if type(turns) is not list or not all(type(turn) is dict and turn.keys() == _TURN for turn in turns):
        return False
    return any(turn["role"] == "assistant" for turn in turns)


def parse(value: dict[str, Any]) -> Example:
    """The example of a conversation: who said each of its messages is metadata."""
    turns = value["transcript"]
    messages: list[Any] = [{"role": turn["role"], "content": turn["text"]} for turn in turns]
    origins: dict[str, str] = {}
    for i, turn in enumerate(turns):
        origins[f"/messages/{i}"] = origins[f"/messages/{i}/content"] = str(turn["place"])
    meta = {"speakers": [turn["speaker"] for turn in turns]}
    return Example({"messages": messages}, messages, meta=meta, format=NAME, origins=origins)
