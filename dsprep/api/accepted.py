"""What somebody has accepted: baselines, suppressions beside the data, rules that are ignored in some files.

A *baseline* is a JSON file of findings that are known. A *suppression* stands in a YAML file beside the data and says
why. Both know a finding by its code and by a key of what its row says, so neither holds any text of the data, and rows
may move about. Of findings about a file or the data as a whole, the key is that of what they are about.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from dsprep.catalog.registry import Rulebook, UnknownNameError
from dsprep.config import SIDECAR, Settings, rooted
from dsprep.engine.hiding import Followed, Hiding, Sieve
from dsprep.engine.writing import AtomicFile
from dsprep.model.report import Hidden
from dsprep.model.rule import Rule
from dsprep.model.source import InputError, Source
from dsprep.opening import is_url
from dsprep.text.content import content_key

_VERSION: Final = 1
_CODE: Final = re.compile(r"[A-Z]{3}\d{3}\Z")
_KEY: Final = re.compile(r"[0-9a-f]{32}\Z")
_HEAD: Final = (
    "# Findings that are accepted as they are, by rule and by the key of what the row says; `dsprep suppress`\n"
)

#: What a run hides: all that is accepted, suppressions and ignored rules without the baseline, or nothing.
Accepting = Literal["everything", "suppressions", "nothing"]


@dataclass(frozen=True)
class Suppression:
    """An entry of a file of suppressions: the code of a rule, the key of a row, and why."""

    code: str
    key: bytes
    reason: str = ""


@dataclass
class Baseline:
    """A baseline: how many findings of each code and key are known in the `inputs`, named as seen from its folder."""

    path: str
    inputs: tuple[str, ...] = ()
    findings: dict[str, dict[bytes, int]] = field(default_factory=dict)

    @property
    def entries(self) -> int:
        """How many pairs of code and key there are."""
        return sum(map(len, self.findings.values()))

    def name(self, source: Source) -> str:
        """What a baseline at this place calls the file of `source`: the way from its folder."""
        if is_url(source.path) or source.display == "-":
            return source.display
        try:
            return Path(os.path.relpath(source.path, os.path.dirname(os.path.abspath(self.path)))).as_posix()
        except ValueError:  # on another drive
            return Path(source.path).as_posix()

    def dumps(self) -> bytes:
        """The file: an entry a line, in order."""
        findings = {
            code: {key.hex(): n for key, n in sorted(own.items()) if n > 0}
            for code, own in sorted(self.findings.items())
        }
        value = {
            "dsprep-baseline": _VERSION,
            "inputs": sorted(set(self.inputs)),
            "findings": {code: own for code, own in findings.items() if own},
        }
        return json.dumps(value, indent=1, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"

    def write(self) -> None:
        """Write it to its place."""
        with AtomicFile(self.path) as file:
            file.write(self.dumps())


def read_baseline(path: str | os.PathLike[str]) -> Baseline:
    """The baseline in the file at `path`. Raises InputError."""
    shown = os.fspath(path)
    try:
        data = json.loads(Path(path).read_bytes())
        if data["dsprep-baseline"] != _VERSION:
            raise InputError(f"{shown} is a baseline of another version of dsprep; write it anew with --write-baseline")
        findings = {
            str(code): {_key(key): _count(n) for key, n in own.items()} for code, own in data["findings"].items()
        }
        return Baseline(shown, tuple(map(str, data["inputs"])), findings)
    except FileNotFoundError as error:
        raise InputError(f"{shown}: there is no such baseline; `--write-baseline {shown}` makes one") from error
    except OSError as error:
        raise InputError(f"{shown} cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(f"{shown} is no baseline; `--write-baseline` makes one") from error


def _key(text: str) -> bytes:
    if not _KEY.match(text):
        raise ValueError(text)
    return bytes.fromhex(text)


def _count(n: Any) -> int:
    if type(n) is not int or n < 1:
        raise ValueError(n)
    return n


@dataclass(frozen=True)
class Sidecar:
    """A file of suppressions: where it is, what reports call it, and what is in it."""

    path: str
    name: str
    entries: Sequence[Suppression] = ()

    @classmethod
    def of(cls, source: Source, book: Rulebook) -> Sidecar | None:
        """That of a source, which need not be there; None if it can have none. Raises InputError."""
        if is_url(source.path) or source.display == "-":
            return None
        path, name = source.path + SIDECAR, source.display + SIDECAR
        return cls(path, name, read_suppressions(path, name, book))


def read_suppressions(path: str, name: str, book: Rulebook) -> list[Suppression]:
    """The entries of a file of suppressions, called `name`; none if there is no file. Raises InputError."""
    try:
        text = Path(path).read_text("utf-8")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise InputError(f"{name} cannot be read: it is not UTF-8") from error
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}") from error
    return _suppressions(name, text, book)


def _suppressions(path: str, text: str, book: Rulebook) -> list[Suppression]:
    import yaml  # most files have no suppressions

    try:
        data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (yaml.YAMLError, RecursionError) as error:
        place = getattr(error, "problem_mark", None)
        line = f":{place.line + 1}" if place is not None else ""
        raise InputError(f"{path}{line} is not valid YAML: {getattr(error, 'problem', None) or error}") from error
    if data is None:
        return []
    if not isinstance(data, list):
        raise InputError(f"{path} is no list of entries with code, hash and reason")
    out = []
    for number, entry in enumerate(data, 1):
        where = f"{path}: entry {number}"
        if not isinstance(entry, dict) or not {"code", "hash"} <= entry.keys() <= {"code", "hash", "reason"}:
            raise InputError(f"{where} is no mapping of code, hash and reason")
        if not isinstance(entry["hash"], str) or not _KEY.match(entry["hash"]):
            raise InputError(
                f"{where}: the hash is 32 hexadecimal digits in small letters; `dsprep suppress` writes it"
            )
        code = str(entry["code"]).strip()
        # What looks like a code may be that of a pack or a plugin that this run has not got.
        if not _CODE.match(code):
            try:
                code = book.find(code)
            except UnknownNameError as error:
                raise InputError(f"{where}: {error}") from error
        out.append(Suppression(code, bytes.fromhex(entry["hash"]), str(entry.get("reason") or "").strip()))
    return out


def add_suppressions(sidecar: Sidecar, entries: Sequence[Suppression], book: Rulebook) -> None:
    """Append entries to a file of suppressions, which is made if need be; what is in it stays as it is written.

    Raises InputError if nothing can be appended.
    """
    try:
        text = Path(sidecar.path).read_text("utf-8")
    except FileNotFoundError:
        text = _HEAD
    text = (text if not text or text.endswith("\n") else f"{text}\n") + _written(entries)
    try:
        fits = _suppressions(sidecar.name, text, book) == [*sidecar.entries, *entries]
    except InputError:
        fits = False
    if not fits:
        raise InputError(
            f"{sidecar.name} is not a plain list of entries, so nothing can be put behind it; do it by hand"
        )
    with AtomicFile(sidecar.path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


def dump_suppressions(entries: Sequence[Suppression]) -> bytes:
    """A whole file of suppressions."""
    return (_HEAD + _written(entries)).encode("utf-8", "backslashreplace")


def _written(entries: Sequence[Suppression]) -> str:
    import yaml

    data = [
        {"code": entry.code, "hash": entry.key.hex(), **({"reason": entry.reason} if entry.reason else {})}
        for entry in entries
    ]
    if not data:
        return ""
    return str(yaml.safe_dump(data, default_flow_style=None, allow_unicode=True, sort_keys=False, width=float("inf")))


@dataclass
class Accepted:
    """What is accepted in the files of a run: the baseline, if the run has one; suppressions, by index of the source;
    and all of it as the engine wants it."""

    hiding: Hiding
    baseline: Baseline | None = None
    sidecars: Mapping[int, Sidecar] = field(default_factory=dict)

    def settled(self, sieve: Sieve | None, codes: Sequence[str]) -> tuple[Hidden, list[str]]:
        """What was hidden, and notes on it; `codes` are those of the rules that ran."""
        if sieve is None:
            return Hidden(), []
        hidden = sieve.hidden
        notes: list[str] = []
        ran = frozenset(codes)
        if self.baseline is not None:
            hidden.stale = self._stale(sieve, ran)
            notes += _baseline_notes(self.baseline, hidden)
        if n := hidden.suppressed.total():
            some = "finding is" if n == 1 else "findings are"
            notes.append(f"{n:,} {some} suppressed and not counted: {_by_code(hidden.suppressed)}")
        for source, sidecar in sorted(self.sidecars.items()):
            looked_for = ran - self.hiding.ignored.get(source, frozenset())
            unused = [
                f"{entry.code} {entry.key.hex()}"
                for entry in sidecar.entries
                if entry.code in looked_for and (source, entry.code, entry.key) not in sieve.used
            ]
            hidden.unused += len(unused)
            if unused:
                some = "a suppression matches" if len(unused) == 1 else f"{len(unused):,} suppressions match"
                more = f" and {len(unused) - 3:,} more" if len(unused) > 3 else ""
                notes.append(f"{sidecar.name}: {some} nothing any more and can go: {', '.join(unused[:3])}{more}")
        return hidden, notes

    def _stale(self, sieve: Sieve, ran: frozenset[str]) -> int:
        assert self.baseline is not None
        if not set(self.baseline.inputs) <= set(self.hiding.names):
            return 0  # what is not met may be in the other files
        return sum(n > 0 for code, own in sieve.left.items() if code in ran for n in own.values())

    def follow(self, followed: Sequence[Followed]) -> None:
        """Write down that rows have changed of which something is accepted: their entries go along.

        Raises OSError if one of the files cannot be written.
        """
        moved: dict[int, dict[bytes, bytes]] = {}
        for one in followed:
            moved.setdefault(one.source, {})[one.before] = one.after
        for source, keys in moved.items():
            if source in self.sidecars:
                rekey(self.sidecars[source].path, keys)
        if self.baseline is not None and self.baseline.findings:
            follow_in_baseline(self.baseline, [(one.codes, one.before, one.after) for one in followed])


def follow_in_baseline(baseline: Baseline, moved: Iterable[tuple[Iterable[str], bytes, bytes]]) -> None:
    """Put entries of a baseline, by codes and key, under other keys, and write it if that changes anything."""
    known = False
    for codes, old, new in dict.fromkeys((frozenset(codes), old, new) for codes, old, new in moved):
        for code in codes:
            own = baseline.findings.get(code, {})
            if old in own and old != new:
                own[new] = own.get(new, 0) + own.pop(old)
                known = True
    if known:
        baseline.write()


def rekey(path: str, keys: Mapping[bytes, bytes]) -> None:
    """Write other keys into a file of suppressions, in which all else stays as it is written."""
    try:
        text = Path(path).read_text("utf-8")
    except FileNotFoundError:
        return
    names = {old.hex(): new.hex() for old, new in keys.items()}
    changed = re.sub(r"\b[0-9a-f]{32}\b", lambda match: names.get(match[0], match[0]), text)
    if changed != text:
        with AtomicFile(path) as file:
            file.write(changed.encode())


def accepted_in(
    settings: Settings, sources: Sequence[Source], rules: Sequence[Rule[Any]], book: Rulebook, what: Accepting
) -> Accepted | None:
    """What is accepted in the files of a run of `rules`; None if the run is to show everything.

    Raises InputError or UnknownNameError.
    """
    if what == "nothing":
        return None
    codes = [rule.meta.code for rule in rules]
    baseline = None
    if what == "everything" and settings.baseline is not None:
        baseline = read_baseline(settings.baseline)
    ignored: dict[int, frozenset[str]] = {}
    sidecars: dict[int, Sidecar] = {}
    suppressed: dict[int, dict[str, frozenset[bytes]]] = {}
    patterns = {
        pattern: frozenset(book.select(some)).intersection(codes)
        for pattern, some in rooted(settings.per_path_ignores, Path.cwd()).items()
    }
    for source in sources:
        path = source.display if is_url(source.path) else Path(source.path).as_posix()
        if some := frozenset().union(*(own for pattern, own in patterns.items() if _matches(pattern, path))):
            ignored[source.index] = some
        sidecar = Sidecar.of(source, book)
        if sidecar is not None and sidecar.entries:
            sidecars[source.index] = sidecar
            keys: dict[str, set[bytes]] = {}
            for entry in sidecar.entries:
                keys.setdefault(entry.code, set()).add(entry.key)
            suppressed[source.index] = {code: frozenset(own) for code, own in keys.items()}
    naming = baseline or Baseline(os.curdir)
    hiding = Hiding(
        content_key,
        [naming.name(source) for source in sources],
        {rule.meta.code: rule.meta.about for rule in rules if rule.meta.about},
        ignored,
        suppressed,
        baseline.findings if baseline is not None else {},
    )
    return Accepted(hiding, baseline, sidecars)


def _matches(pattern: str, path: str) -> bool:
    """Whether a pattern of whole paths fits: `*` and `?` stand for anything within a name, `[…]` for one character,
    `**` for any folders."""
    out = ""
    for part in re.findall(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", pattern, re.DOTALL):
        if part == "**/":
            out += "(?:.*/)?"
        elif part == "**":
            out += ".*"
        elif part == "*":
            out += "[^/]*"
        elif part == "?":
            out += "[^/]"
        elif part.startswith("[") and len(part) > 2:
            inside = part[1:-1].replace("\\", "\\\\").replace("[", "\\[")
            out += f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
        else:
            out += re.escape(part)
    try:
        return re.fullmatch(out, path, re.DOTALL) is not None
    except re.error:
        return False


def _baseline_notes(baseline: Baseline, hidden: Hidden) -> list[str]:
    path = _shown(baseline.path)
    n = hidden.baseline.total()
    notes = []
    if n:
        some = "finding is" if n == 1 else "findings are"
        notes.append(f"{n:,} {some} in the baseline {path} and not counted: {_by_code(hidden.baseline)}")
    if hidden.stale:
        some = "entry of the baseline matches" if hidden.stale == 1 else "entries of the baseline match"
        notes.append(f"{hidden.stale:,} {some} nothing any more; `--write-baseline {path}` leaves them out")
    return notes


def _by_code(counts: Counter[str]) -> str:
    """The commonest first: `TXT009 12, DUP001 3`."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    more = f" and {len(ordered) - 5} more rules" if len(ordered) > 5 else ""
    return ", ".join(f"{code} {n:,}" for code, n in ordered[:5]) + more


def _shown(path: str) -> str:
    """Relative to the working directory if it is in there."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
