"""Chats that people exported (WhatsApp, Slack, Discord), transcripts and captions: conversations as records."""

from __future__ import annotations

import difflib
import json
import os
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final

from dsprep.model.record import UNDECODED, Fault, Record
from dsprep.model.source import InputError, Shard, Source, unreadable
from dsprep.opening import measured, opened
from dsprep.text.encoding import HEAD_BYTES, detect_legacy, sniff, utf8_error
from dsprep.text.plain_values import not_utf8
from dsprep.text.transcripts import (
    Chat,
    ConversationCut,
    CutError,
    Kind,
    captions,
    discord,
    plain,
    slack,
    whatsapp,
)

#: The largest chat that is read, in bytes: it is held in memory. A hundred thousand messages have some ten megabytes.
MAX_CHAT: Final = 256 << 20

#: So many speakers are named where one of them has to be chosen.
_LISTED: Final = 20
_LINES: Final = {"whatsapp": whatsapp, "captions": captions, "plain": plain}
_NAMES: Final = {
    "whatsapp": "a WhatsApp chat",
    "slack": "a Slack export",
    "discord": "a Discord export",
    "captions": "captions",
    "plain": "a transcript",
}


class TranscriptSource(Source):
    """A chat or transcript, cut into conversations as `cut` says (see ConversationCut).

    The value of a record is a conversation (see `formats.transcript`), its line that of its first message. One in which
    the assistant says nothing has a fault. What is no message of anybody's is counted in `info.notes`.
    """

    format: ClassVar[str] = "transcript"

    def __init__(self, path: str, kind: Kind, *, cut: str | None = None, **known: Any) -> None:
        super().__init__(path, **known)
        self.kind: Kind = kind
        # Read once in each process: the file is planned, looked at and read.
        self._known: Chat | None = None
        # Whether some bytes of a chat in UTF-8 are none.
        self._undecoded = False
        try:
            self.cut = ConversationCut.parse(cut)
        except CutError as error:
            raise InputError(f"{self.display} is {_NAMES[kind]}: {error}") from error

    @property
    def reading(self) -> Mapping[str, Any]:
        """See `Source.reading`."""
        return {"kind": self.kind, "cut": str(self.cut)}

    def plan(self, shard_bytes: int) -> Iterator[Shard]:
        """See `Source.plan`. A single shard. Raises InputError if it is not known who is the assistant."""
        size = measured(self)
        chat = self._chat()
        if chat.left_out:
            listed = ", ".join(f"{why} ({count:,})" for why, count in sorted(chat.left_out.items()))
            self.info.note(f"{self.display}: left out {listed}")
        if chat.said:
            self._choose(chat)
        yield Shard(self.index, 0, size, faults=() if chat.said else (Fault("empty-file"),))

    def read(self, shard: Shard) -> Iterator[Record]:
        """See `Source.read`."""
        for ordinal, value in enumerate(self._chat().conversations(self.cut)):
            turns = value["transcript"]
            place = re.fullmatch(r"line (\d+)", turns[0]["place"])
            faults: tuple[Fault, ...] = ()
            if all(turn["role"] != "assistant" for turn in turns):
                said = f"{', '.join(self.cut.assistants)} says nothing in this conversation"
                faults = (Fault("missing-value", {"column": "assistant", "reason": said}),)
            record = Record(ordinal, int(place[1]) if place else None, 0, b"", value, ordinal + 1, faults)
            if self._undecoded and any(not _encodes(turn[part]) for turn in turns for part in ("text", "speaker")):
                fault, record.raw = not_utf8(value)
                record.value, record.faults = UNDECODED, (replace(fault, column=None),)
            yield record

    def _choose(self, chat: Chat) -> None:
        """Raise InputError if it is not known, or not true, who of the speakers is the assistant."""
        speakers = chat.speakers
        missing = [name for name in self.cut.assistants if name not in speakers]
        if self.cut.assistants and len(missing) < len(self.cut.assistants):
            return
        listed = _listed(speakers, chat.bots)
        if not self.cut.assistants:
            raise InputError(
                f"{self.display} is {_NAMES[self.kind]}, and does not say which of its speakers is the assistant: "
                f"{listed}. Say it: dsprep convert {shlex.quote(self.display)} --assistant-speaker NAME (other "
                "commands: --records 'assistant=NAME')"
            )
        close = difflib.get_close_matches(missing[0], list(speakers), 1, 0.6)
        hint = f"; did you mean {close[0]!r}?" if close else ";"
        raise InputError(f"{self.display}: nobody there is called {missing[0]!r}{hint} the speakers are {listed}")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_known": None}

    def _chat(self) -> Chat:
        if self._known is None:
            self._known = self._read()
        return self._known

    def _read(self) -> Chat:
        try:
            with opened(self.path) as file:
                data = file.read(MAX_CHAT + 1)
        except OSError as error:
            raise unreadable(self.display, error) from error
        if len(data) > MAX_CHAT:
            raise InputError(f"{self.display} is larger than {MAX_CHAT >> 20} MB; export it in parts, by date")
        text = self._decoded(data)
        if self.kind in _LINES:
            return _LINES[self.kind](text.split("\n"))
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{self.display} looks like {_NAMES[self.kind]}, but is no JSON ({error}); it may be cut off: export "
                "it again"
            ) from error
        if self.kind == "discord":
            return discord(document if isinstance(document, dict) else {})
        return _slack(document)

    def _decoded(self, data: bytes) -> str:
        """The text of the chat. Bytes that are not UTF-8 in one that mostly is become lone surrogates."""
        known = sniff(data[:HEAD_BYTES])
        self.info.encoding = known.encoding
        if known.encoding != "utf-8":
            self.info.note(f"{self.display} is in {known.encoding.upper()}; it was read as such")
            return data[known.mark :].decode(known.encoding, "replace")
        data = data[known.mark :]
        if utf8_error(data, final=True) is None:
            return data.decode()
        lines = [line for line in data.split(b"\n") if not line.isascii()]
        bad = [line for line in lines if utf8_error(line, final=True) is not None]
        # A file that is cut off may end within a letter.
        if len(bad) * 2 <= len(lines) or (len(bad) == 1 and utf8_error(data) is None):
            self._undecoded = True
            return data.decode("utf-8", "surrogateescape")
        self.info.encoding = detect_legacy(data)
        self.info.note(f"{self.display} is not UTF-8; it was read as {self.info.encoding}, its likeliest encoding")
        return data.decode(self.info.encoding, "replace")


def _encodes(text: str) -> bool:
    return not any("\udc80" <= letter <= "\udcff" for letter in text)


def _listed(speakers: Counter[str], bots: set[str]) -> str:
    """The speakers with the numbers of their messages, those who say most first."""
    ordered = sorted(speakers.items(), key=lambda item: (-item[1], item[0]))
    named = [
        f"{name[:60].encode('utf-8', 'replace').decode()} ({n:,}{', a bot' if name in bots else ''})"
        for name, n in ordered[:_LISTED]
    ]
    rest = len(ordered) - len(named)
    return ", ".join(named) + (f" and {rest:,} more" if rest else "")


def _slack(document: Any) -> Chat:
    """The chat of a day of a channel, or of a whole channel as `gathered` has put it together."""
    if isinstance(document, list):
        return slack(document, {}, [f"/{i}/text" for i in range(len(document))])
    messages: list[Any] = []
    places: list[str] = []
    for day, found in document["days"]:
        messages += found
        places += [f"/{day}/{i}/text" for i in range(len(found))]
    chat = slack(messages, document["users"], places)
    chat.name = document["channel"]
    return chat


def gathered(folder: str, display: str) -> bytes:
    """A folder of Slack's, with a file a day, as one document, with the names of those who speak in it. Raises
    InputError."""
    days: list[tuple[str, list[Any]]] = []
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".json"):
            continue
        found = _json(os.path.join(folder, name), os.path.join(display, name))
        if not isinstance(found, list):
            raise InputError(f"{os.path.join(display, name)} is no day of a channel of Slack's: it holds no array")
        days.append((name, found))
    above = os.path.join(os.path.dirname(os.path.abspath(folder)), "users.json")
    users = _json(above, above) if os.path.isfile(above) else []
    known = {
        user["id"]: called
        for user in (users if isinstance(users, list) else [])
        if isinstance(user, dict) and isinstance(user.get("id"), str) and (called := _called(user)) is not None
    }
    channel = os.path.basename(os.path.abspath(folder))
    return json.dumps({"channel": channel, "users": known, "days": days}).encode()


def _called(user: dict[str, Any]) -> str | None:
    profile = user.get("profile")
    for holder, name in ((profile, "display_name"), (profile, "real_name"), (user, "real_name"), (user, "name")):
        said = holder.get(name) if isinstance(holder, dict) else None
        if isinstance(said, str) and said.strip():
            return said.strip()
    return None


def _json(path: str, display: str) -> Any:
    try:
        with open(path, "rb") as file:
            return json.loads(file.read())
    except OSError as error:
        raise unreadable(display, error) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{display} is no JSON ({error}); it may be cut off: export it again") from error
