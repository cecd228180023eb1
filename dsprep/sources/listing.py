"""Which files a path stands for: itself, those of a folder, those that match a pattern."""

from __future__ import annotations

import glob
import os
import re
from contextlib import suppress
from typing import Final

from dsprep.model.source import InputError
from dsprep.opening import glob_urls, is_url, without_packing
from dsprep.text.encoding import HEAD_BYTES

#: Endings of files that are data, as far as an ending can tell.
DATA: Final = frozenset(
    {
        ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".tab", ".psv", ".parquet", ".arrow", ".feather", ".xlsx", ".xls",
        ".xlsm", ".xlsb", ".ods", ".sqlite", ".sqlite3", ".db", ".html", ".htm", ".xhtml", ".mhtml", ".mht", ".warc",
        ".vtt", ".srt",
    }
)  # fmt: skip
#: What dsprep itself writes beside data.
_OWN: Final = re.compile(
    r"(?:.*\.)?(?:rejected|changes)\.jsonl|(?:manifest|report|croissant|croissant\.dsprep)\.json|report\.html|\..*"
)
#: What Slack calls the file of a day.
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}\.json")
_WILD: Final = re.compile(r"[*?\[]")


def files_of(path: str) -> list[str]:
    """The files that `path` stands for, in order of name: those of a folder, with the folders in it, that have an
    ending of data; those that match a pattern such as `data/**/*.jsonl` (for shells that leave it as it is); else
    `path` itself. Hidden files and folders are passed over, and so is what dsprep writes. Raises InputError if a folder
    or a pattern gives none.
    """
    if is_url(path):
        if not _WILD.search(path.partition("?")[0] if path.lower().startswith("http") else path):
            return [path]
        found = sorted(glob_urls(path))
        if not found:
            raise InputError(f"nothing matches {path}")
        return found
    if os.path.isdir(path):
        channels = slack_channels(path)
        if channels:
            return channels
        found = []
        for folder, inner, names in os.walk(path):
            inner[:] = sorted(name for name in inner if not name.startswith("."))
            found += [os.path.join(folder, name) for name in sorted(names) if _is_data(name)]
        if not found:
            raise InputError(
                f"{path} is a folder without files of data in it; data end in {', '.join(sorted(DATA))}, compressed or "
                "not"
            )
        return sorted(found)
    if _WILD.search(path) and not os.path.lexists(path):
        found = sorted(name for name in glob.glob(path, recursive=True) if os.path.isfile(name))
        if not found:
            raise InputError(f"nothing matches {path}")
        return found
    return [path]


def slack_channels(path: str) -> list[str]:
    """The folders of channels in a folder that Slack has exported, or that folder itself if it is the one of a channel;
    empty if it is neither."""
    if is_slack_channel(path):
        return [path]
    names = set(os.listdir(path))
    if "users.json" not in names or names.isdisjoint({"channels.json", "groups.json", "dms.json", "mpims.json"}):
        return []
    inner = sorted(os.path.join(path, name) for name in names if not name.startswith("."))
    return [folder for folder in inner if os.path.isdir(folder) and is_slack_channel(folder)]


def is_slack_channel(path: str) -> bool:
    """Whether a folder holds a file of Slack's messages for each day, and nothing else that is JSON."""
    names = sorted(name for name in os.listdir(path) if name.endswith(".json"))
    if not names or not all(_DAY.fullmatch(name) for name in names):
        return False
    from dsprep.text.transcripts import kind_of

    for name in names[:5]:
        with suppress(OSError), open(os.path.join(path, name), encoding="utf-8", errors="replace") as file:
            if kind_of(file.read(HEAD_BYTES), ".json") == "slack":
                return True
    return False


def _is_data(name: str) -> bool:
    return os.path.splitext(without_packing(name))[1].lower() in DATA and not _OWN.fullmatch(name)
