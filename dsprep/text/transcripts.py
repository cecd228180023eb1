"""Chats as people export them, and transcripts: who said what and when, and where one conversation ends.

WhatsApp writes dates as the phone's language has them, with or without brackets; Slack an array of messages a day;
DiscordChatExporter one document a channel; captions (WebVTT, SRT) and plain transcripts name who speaks in the text.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from typing import Any, Final, Literal
from urllib.parse import quote, unquote

Kind = Literal["whatsapp", "slack", "discord", "captions", "plain"]

#: So long a silence ends a conversation, in seconds: three hours.
SILENCE: Final = 3 * 3600.0

# Marks of direction, which stand around names and dates on some phones, and the byte order mark.
_MARKS: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


class CutError(ValueError):
    """No way of cutting a chat into conversations; the message says what there is."""


@dataclass(frozen=True, slots=True)
class ConversationCut:
    """How a chat becomes conversations: `assistants` are the speakers that are the assistant, by name; a silence of
    `silence` seconds ends a conversation (0: none does)."""

    assistants: tuple[str, ...] = ()
    silence: float = SILENCE

    @classmethod
    def parse(cls, text: str | None) -> ConversationCut:
        """From `assistant=NAME; silence=2h`. `%3B` stands for a semicolon in a name. Raises CutError."""
        assistants: list[str] = []
        silence = SILENCE
        for part in (text or "").split(";"):
            key, mark, value = part.strip().partition("=")
            if not key and not mark:
                continue
            if key == "assistant" and value.strip():
                assistants.append(unquote(value.strip()))
            elif key == "silence":
                silence = seconds(value)
            else:
                raise CutError(
                    f"{part.strip()!r} says nothing of how to cut a chat into conversations; write assistant=NAME, "
                    "silence=3h, or both with a semicolon between them"
                )
        return cls(tuple(assistants), silence)

    def __str__(self) -> str:
        """What `parse` reads."""
        names = [f"assistant={name.replace('%', '%25').replace(';', quote(';'))}" for name in self.assistants]
        silence = f"{self.silence:.3f}".rstrip("0").rstrip(".")
        return "; ".join([*names, f"silence={silence}s"])


def seconds(text: str) -> float:
    """A duration such as 90s, 45m, 3h, 2d; 0 is none. Raises CutError."""
    found = re.fullmatch(r"\s*(\d{1,12}(?:\.\d{1,3})?)\s*([smhd]?)\s*", text)
    if found is None or (not found[2] and float(found[1])):
        raise CutError(f"{text.strip()!r} is no duration; write one such as 45m, 3h or 2d, or 0 for no cut by silence")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]


@dataclass(slots=True)
class Said:
    """One message: who, what, when (in seconds; None where nothing says), where (`line 7`, or a JSON pointer), and the
    thread that it belongs to, if any. `breaks` says that a new conversation begins with it."""

    speaker: str
    text: str
    at: float | None
    place: str
    thread: str | None = None
    breaks: bool = False


@dataclass(slots=True)
class Chat:
    """A chat as it was exported: its messages in order, its name, which speakers are programs, and how many entries
    were left out, by why. `joint` stands between messages of one speaker that follow each other; `dated` says that
    times are those of a calendar, from 1970 on."""

    said: list[Said] = field(default_factory=list)
    name: str | None = None
    bots: set[str] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)
    joint: str = "\n"
    dated: bool = True

    @property
    def speakers(self) -> Counter[str]:
        """How many messages each speaker has."""
        return Counter(message.speaker for message in self.said)

    def conversations(self, cut: ConversationCut) -> Iterator[dict[str, Any]]:
        """The chat as records (see `formats.transcript`), in order of their beginnings."""
        for messages in _cut(self.said, cut.silence):
            turns: list[dict[str, Any]] = []
            for speaker, group in groupby(messages, lambda message: message.speaker):
                spoken = list(group)
                text = self.joint.join(message.text for message in spoken)
                role = "assistant" if speaker in cut.assistants else "user"
                turns.append({"speaker": speaker, "role": role, "text": text, "place": spoken[0].place})
            record: dict[str, Any] = {"transcript": turns}
            if self.name is not None:
                record["channel"] = self.name
            first = messages[0].at
            if self.dated and first is not None:
                record["started"] = _written(first)
            yield record


def _cut(said: Sequence[Said], silence: float) -> Iterator[list[Said]]:
    """The messages of each conversation: those of a thread are one; the others end where there is silence."""
    threads: dict[str, list[Said]] = {}
    out: list[list[Said]] = []
    last: Said | None = None
    for message in said:
        if message.thread is not None:
            if message.thread not in threads:
                threads[message.thread] = []
                out.append(threads[message.thread])
            threads[message.thread].append(message)
            continue
        silent = (
            last is not None
            and silence > 0
            and message.at is not None
            and last.at is not None
            and message.at - last.at >= silence
        )
        if last is None or silent or message.breaks:
            out.append([])
            plain = out[-1]
        plain.append(message)
        last = message
    yield from out


def _written(at: float) -> str:
    try:
        return (datetime(1970, 1, 1) + timedelta(seconds=at)).isoformat(timespec="seconds")
    except OverflowError:
        return ""


# What a file is ------------------------------------------------------------------------------------------------------

_DISCORD: Final = re.compile(r'\s*\{\s*"guild"\s*:\s*\{[^}]{0,2000}\}\s*,\s*"channel"\s*:\s*\{')
_SLACK_TYPE: Final = re.compile(r'"type"\s*:\s*"message"')
_SLACK_TIME: Final = re.compile(r'"ts"\s*:\s*"\d{9,11}\.\d{6}"')
_CUE: Final = re.compile(r"(?:(\d{1,3}):)?(\d{2}):(\d{2})[.,](\d{3})[ \t]*-->[ \t]*(?:\d{1,3}:)?\d{2}:\d{2}[.,]\d{3}")
_TEXTS: Final = frozenset({".txt", ".text", ".md", ".log", ".transcript", ""})


def kind_of(head: str, extension: str, *, said: bool = False) -> Kind | None:
    """What a file is that begins with `head`; None if it is no chat and no transcript. Where somebody has `said` that
    it is one, a text that begins with a name and a colon is enough."""
    start = head.lstrip("\ufeff \t\r\n")
    if start.startswith("{"):
        return "discord" if _DISCORD.match(start) else None
    if re.match(r"\[\s*\{", start):
        return "slack" if _SLACK_TYPE.search(start) and _SLACK_TIME.search(start) else None
    if re.match(r"WEBVTT(?:[ \t\r\n]|$)", start):
        return "captions"
    if re.match(r"\d{1,6}[ \t]*\r?\n", start) and _CUE.match(start.partition("\n")[2].lstrip()):
        return "captions"
    if _is_whatsapp(start):
        return "whatsapp"
    if extension in _TEXTS and (_is_transcript(start) or (said and _TURN.match(start.partition("\n")[0]))):
        return "plain"
    return None


def _is_whatsapp(start: str) -> bool:
    lines = [line for line in start.split("\n")[:40] if line.strip()]
    heads = sum(1 for line in lines if _header(line) is not None)
    return bool(lines) and _header(lines[0]) is not None and (heads >= 2 or len(lines) == 1)


def _is_transcript(start: str) -> bool:
    lines = [line for line in start.split("\n")[:200] if line.strip()]
    spoken = Counter(found["name"] for line in lines if (found := _TURN.match(line)) is not None)
    # At least a question, an answer and one more turn, by speakers who come again, and they are much of the text.
    again = [name for name, turns in spoken.items() if turns > 1]
    if spoken.total() < 3 or _TURN.match(lines[0]) is None or (len(again) < 2 and not (again and len(spoken) == 2)):
        return False
    return sum(spoken[name] for name in again) * 3 >= len(lines)


# WhatsApp ------------------------------------------------------------------------------------------------------------

_MERIDIEM: Final = r"[AaPp]\.?\s?[Mm]\.?|上午|下午|午前|午後|오전|오후|[صم](?=\W)"
_HEADER: Final = re.compile(
    r"\[?(?P<a>\d{1,4})\s?[./-]\s?(?P<b>\d{1,2})\s?[./-]\s?(?P<c>\d{1,4})\.?,?،?\s{1,3}(?:klo\s|kl\.\s|um\s|à\s|at\s)?"
    rf"(?P<before>{_MERIDIEM})?\s?"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?"
    rf"(?:\s?(?P<after>{_MERIDIEM}))?"
    r"(?:\]\s?|\s[-–]\s)(?P<rest>.*)",
    re.DOTALL,
)
#: Dates and names are no longer.
_LONGEST_HEADER: Final = 400
_AFTERNOON: Final = ("p", "下午", "午後", "오후", "م")
_MEDIA: Final = re.compile(r"<[^<>\n]{3,40}>|null")
_ATTACHMENT: Final = re.compile(r"[\s\u200e]*<[^<>:\n]{3,30}: [^<>\n]{1,160}\.\w{2,5}>")
_ATTACHED: Final = re.compile(r"[\w .-]{1,80}\.[A-Za-z0-9]{2,5} \([^()\n]{3,40}\)(?:\n|$)")
_EDITED: Final = re.compile(
    r"[\s\u200e]*<[^<>\n]{0,30}(?:edited|bearbeitet|editado|modifié|modificato|bewerkt)[^<>\n]{0,20}>$"
)
#: What is in a notice that names a group, and in no name.
_QUOTED: Final = re.compile(r"[“”„«»\"]")
_DELETED: Final = frozenset(
    {
        "this message was deleted", "you deleted this message", "diese nachricht wurde gelöscht",
        "du hast diese nachricht gelöscht", "eliminaste este mensaje", "este mensaje fue eliminado",
        "se eliminó este mensaje", "esta mensagem foi apagada", "mensagem apagada", "ce message a été supprimé",
        "vous avez supprimé ce message", "questo messaggio è stato eliminato", "hai eliminato questo messaggio",
        "dit bericht is verwijderd", "je hebt dit bericht verwijderd", "waiting for this message",
    }
)  # fmt: skip


def _header(line: str) -> re.Match[str] | None:
    """The beginning of a message, in a line from which marks of direction are taken; None for other lines."""
    head = line[:_LONGEST_HEADER] if line.isascii() else _MARKS.sub("", line[:_LONGEST_HEADER])
    return _HEADER.match(head) if head[:1].isdigit() or head.startswith("[") else None


def whatsapp(lines: Iterable[str]) -> Chat:
    """An exported chat of WhatsApp. Notices of the app, and messages without a text, are counted and left out."""
    chat = Chat()
    entries: list[tuple[_Stamp, str | None, list[str], int]] = []
    stamp: _Stamp | None = None
    for number, line in enumerate(lines, 1):
        line = line.removesuffix("\r")
        header = _header(line)
        if header is not None:
            stamp = _Stamp(header)
            speaker, mark, _ = header["rest"].partition(": ")
            if not mark and header["rest"].endswith(":"):
                speaker, mark = header["rest"][:-1], ":"
            speaker = speaker.strip().removeprefix("~").strip()
            known = speaker if mark and len(speaker) <= 80 and not _QUOTED.search(speaker) else None
            # The text is as it stands: marks of direction belong to it.
            entries.append((stamp, known, [line.partition(": ")[2]], number))
        elif entries:
            entries[-1][2].append(line)
        elif line.strip():
            chat.left_out["lines above the first message"] += 1
    order = _order([stamp.date for stamp, *_ in entries], stamp is not None and stamp.american)
    for stamp, known, text, number in entries:
        if known is None:
            chat.left_out["notices of the app"] += 1
            continue
        said = "\n".join(text).strip()
        # On iPhones a mark stands before what the app says by itself.
        if not said.startswith("\u200e"):
            said = _EDITED.sub("", _ATTACHMENT.sub("", _ATTACHED.sub("", said, count=1))).strip()
            if said and not _MEDIA.fullmatch(said) and said.lower().rstrip(".") not in _DELETED:
                chat.said.append(Said(known, said, stamp.moment(order), f"line {number}"))
                continue
        chat.left_out["messages without a text, such as media"] += 1
    return chat


class _Stamp:
    """When a message was sent, as it is written."""

    __slots__ = ("american", "clock", "date")

    def __init__(self, header: re.Match[str]) -> None:
        self.date = (header["a"], header["b"], header["c"])
        half = header["before"] or header["after"] or ""
        hour = int(header["hour"])
        if half:
            hour = hour % 12 + (12 if half.lower().startswith(_AFTERNOON) else 0)
        self.clock = (hour, int(header["minute"]), int(header["second"] or 0))
        #: Whether a date that could be read either way rather begins with the month: slashes, and a clock of twelve
        #: hours in capital letters.
        self.american = half in ("AM", "PM") and "/" in header.string[: header.start("c")]

    def moment(self, order: str) -> float | None:
        """Seconds since 1970 by the clock of the phone; None for a day that no calendar of ours has."""
        try:
            moment = datetime(*_day([int(part) for part in self.date], order), *self.clock)
        except ValueError:
            return None
        return (moment - datetime(1970, 1, 1)).total_seconds()


def _order(dates: Sequence[tuple[str, str, str]], month_first: bool) -> str:
    """The order of day, month and year in dates, as letters: what all of them allow, and where that leaves a choice,
    the one in which time goes on."""
    numbers = [tuple(map(int, date)) for date in dict.fromkeys(dates)]
    if any(len(a) == 4 for a, _, _ in dates) or any(a > 31 for a, _, _ in numbers):
        return "ymd"
    if any(a > 12 for a, _, _ in numbers):
        return "dmy"
    if any(b > 12 for _, b, _ in numbers):
        return "mdy"
    backwards = {
        order: sum(1 for one, other in pairwise(numbers) if _day(other, order) < _day(one, order))
        for order in ("dmy", "mdy")
    }
    if backwards["dmy"] != backwards["mdy"]:
        return min(backwards, key=lambda order: backwards[order])
    return "mdy" if month_first else "dmy"


def _day(date: Sequence[int], order: str) -> tuple[int, int, int]:
    parts = dict(zip(order, date, strict=True))
    return parts["y"] + (2000 if parts["y"] < 100 else 0), parts["m"], parts["d"]


# Transcripts and captions --------------------------------------------------------------------------------------------

_TURN: Final = re.compile(
    r"[ \t]*(?:[*_]{2})?(?:[\[(]?\d{1,2}:\d{2}(?::\d{2})?(?:\.\d{1,3})?[\])]?[ \t]*[-–]?[ \t]*)?"
    r"(?P<name>[^\W\d_][\w.'’-]*+(?: [\w.'’&()-]++){0,3})"
    r"[ \t]*(?:[\[(]\d{1,2}:\d{2}(?::\d{2})?[\])])?(?:[*_]{2})?[:：](?:[*_]{2})?(?:[ \t]+|$|(?<=：))(?P<text>.*)",
    re.DOTALL,
)
_RULE: Final = re.compile(r"\s*(?:-{3,}|={3,}|\*{3,}|_{3,}|(?:\* ){2,}\*)\s*")
_VOICE: Final = re.compile(r"<v(?:\.[\w.]*)?[ \t]+([^>\n]{1,80})>")
_TAG: Final = re.compile(r"</?[^<>\n]{1,80}>")


def plain(lines: Iterable[str]) -> Chat:
    """A transcript whose turns begin with a name and a colon. A line such as `---` ends a conversation.

    A name that begins a single line, amid turns of several lines, is none (but behind a blank line of a short text): it
    is a word with a colon behind it.
    """
    chat = Chat(dated=False)
    entries = [(number, line.removesuffix("\r").lstrip("\ufeff")) for number, line in enumerate(lines, 1)]
    found = {number: match for number, line in entries if (match := _TURN.match(line)) is not None}
    names = Counter(match["name"] for match in found.values())
    loose = any(line.strip() and number not in found and not _RULE.fullmatch(line) for number, line in entries)
    texts: list[list[str]] = []
    blank = breaks = True
    for number, line in entries:
        turn = found.get(number)
        if turn is not None and (names[turn["name"]] > 1 or not loose or (blank and names.total() < 6)):
            chat.said.append(Said(turn["name"], "", None, f"line {number}", breaks=breaks))
            texts.append([turn["text"]])
            breaks = False
        elif _RULE.fullmatch(line):
            breaks = True
        elif texts and not breaks:
            texts[-1].append(line)
        elif line.strip():
            chat.left_out["lines outside of turns"] += 1
        blank = not line.strip()
    return _with_texts(chat, ["\n".join(text) for text in texts])


def captions(lines: Iterable[str]) -> Chat:
    """Captions (WebVTT, SRT) with names: in `<v NAME>`, or in front of a colon. A cue without one goes on with who
    spoke before."""
    chat = Chat(joint=" ", dated=False)
    at: float | None = None
    speaker = ""
    for number, line in enumerate(lines, 1):
        line = line.strip().lstrip("\ufeff")
        cue = _CUE.match(line)
        if cue is not None:
            hours, minutes, secs, thousandths = (int(part or 0) for part in cue.groups())
            at = hours * 3600 + minutes * 60 + secs + thousandths / 1000
        elif not line:
            at = None
        elif at is not None:
            voices = list(_VOICE.finditer(line))
            pieces = [("", line)] if not voices else []
            if voices and line[: voices[0].start()].strip():
                pieces.append(("", line[: voices[0].start()]))
            for i, voice in enumerate(voices):
                end = voices[i + 1].start() if i + 1 < len(voices) else len(line)
                pieces.append((voice[1].strip(), line[voice.end() : end]))
            for name, piece in pieces:
                said = html.unescape(_TAG.sub("", piece)).strip()
                turn = _TURN.match(said.removeprefix(">>").lstrip("- ")) if not name else None
                if turn is not None:
                    name, said = turn["name"], turn["text"].strip()
                speaker = name or speaker
                if not said:
                    continue
                if not speaker:
                    chat.left_out["cues before anybody is named"] += 1
                    continue
                chat.said.append(Said(speaker, said, at, f"line {number}"))
    return chat


def _with_texts(chat: Chat, texts: Sequence[str]) -> Chat:
    """The chat with the texts of its turns, without the turns in which nothing is said."""
    kept: list[Said] = []
    breaks = False
    for message, text in zip(chat.said, texts, strict=True):
        message.text = text.strip()
        breaks = breaks or message.breaks
        if message.text:
            message.breaks, breaks = breaks, False
            kept.append(message)
        else:
            chat.left_out["turns without a text"] += 1
    chat.said = kept
    return chat


# Slack and Discord ---------------------------------------------------------------------------------------------------

#: Kinds of messages that somebody has said; the others are notices.
_SLACK_SAID: Final = frozenset(
    {None, "", "thread_broadcast", "bot_message", "me_message", "file_share", "reply_broadcast"}
)
_DISCORD_SAID: Final = frozenset({"Default", "Reply", "ThreadStarterMessage", "ChatInputCommand", "0", "19", "20"})
_SLACK_MARKUP: Final = re.compile(r"<([@#!]?)([^<>|\n]{1,2000})(?:\|([^<>\n]{0,2000}))?>")


def slack(messages: Sequence[Any], users: Mapping[str, str], places: Sequence[str]) -> Chat:
    """The messages of a channel of Slack, with the names of its `users` by id; `places` has where each one stands."""
    chat = Chat()
    names = dict(users)
    for message in messages:
        profile = message.get("user_profile") if type(message) is dict else None
        if type(profile) is dict and type(message.get("user")) is str:
            names.setdefault(message["user"], _first(profile, "display_name", "real_name", "name") or message["user"])
    found: list[tuple[float, int, Said]] = []
    for i, message in enumerate(messages):
        at = _number(message.get("ts")) if type(message) is dict else None
        subtype = message.get("subtype") if type(message) is dict else "none"
        if at is None or (type(subtype) is not str and subtype is not None) or subtype not in _SLACK_SAID:
            chat.left_out["notices of the app"] += 1
            continue
        bot = message.get("bot_profile")
        user = message.get("user")
        speaker = names.get(user, user) if type(user) is str else None
        if speaker is None:
            speaker = _first(message, "username") or (_first(bot, "name") if type(bot) is dict else None)
            speaker = speaker or _first(message, "bot_id") or "unknown"
        if message.get("bot_id"):
            chat.bots.add(speaker)
        text = message.get("text")
        said = slack_text(text, names).strip() if type(text) is str else ""
        if not said:
            chat.left_out["messages without a text, such as media"] += 1
            continue
        thread = message.get("thread_ts")
        found.append((at, i, Said(speaker, said, at, places[i], thread if type(thread) is str else None)))
    found.sort(key=lambda item: item[:2])
    chat.said = [said for _, _, said in found]
    return chat


def slack_text(text: str, users: Mapping[str, str]) -> str:
    """A text of Slack's as people read it: `<@U1>` is a name, `<https://…|here>` a link."""

    def plain_text(found: re.Match[str]) -> str:
        mark, target, label = found[1], found[2], found[3]
        if mark == "@":
            return f"@{users.get(target) or label or target}"
        if mark == "#":
            return f"#{label or target}"
        if mark == "!":
            return label or f"@{target.partition('^')[0]}"
        return f"{label} ({target})" if label and label not in target else target

    return html.unescape(_SLACK_MARKUP.sub(plain_text, text))


def discord(document: Mapping[str, Any]) -> Chat:
    """The channel of a document that DiscordChatExporter has written."""
    channel = document.get("channel")
    chat = Chat(name=_first(channel, "name") if type(channel) is dict else None)
    messages = document.get("messages")
    for i, message in enumerate(messages if type(messages) is list else ()):
        author = message.get("author") if type(message) is dict else None
        if type(author) is not dict or str(message.get("type", "Default")) not in _DISCORD_SAID:
            chat.left_out["notices of the app"] += 1
            continue
        speaker = _first(author, "nickname", "name", "id") or "unknown"
        if author.get("isBot") is True:
            chat.bots.add(speaker)
        content = message.get("content")
        if type(content) is not str or not content.strip():
            chat.left_out["messages without a text, such as media"] += 1
            continue
        place = f"/messages/{i}/content"
        chat.said.append(Said(speaker, content.strip(), _iso(message.get("timestamp")), place))
    return chat


def _first(value: Mapping[str, Any], *names: str) -> str | None:
    """The first of some members that is a text with something in it."""
    return next((item.strip() for name in names if type(item := value.get(name)) is str and item.strip()), None)


def _number(value: Any) -> float | None:
    try:
        return float(value) if type(value) in (str, int, float) and len(str(value)) < 40 else None
    except ValueError:
        return None


def _iso(value: Any) -> float | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
