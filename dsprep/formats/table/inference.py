"""Guessing a mapping from the names and contents of columns, and saying what was guessed and how to say otherwise."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final

from dsprep.formats.table.mapping import Mapping as ColumnMapping
from dsprep.formats.table.mapping import MappingError
from dsprep.formats.table.profile import MISSING, Column, profiled
from dsprep.formats.table.template import as_text
from dsprep.text.labels import folded_label, mapped_label

#: So many rows are looked at closely; the others are only searched for labels.
PROFILED_ROWS: Final = 2000

#: More classes than this are not listed in the system message.
LISTED_CLASSES: Final = 30

#: A short class name that begins exactly one other is taken for its abbreviation if the other is so much more frequent.
_ABBREVIATED: Final = 5

_PAIRS: Final = (
    ("question", "answer"),
    ("question", "response"),
    ("questions", "answers"),
    ("prompt", "completion"),
    ("prompt", "response"),
    ("prompt", "answer"),
    ("prompt", "output"),
    ("instruction", "output"),
    ("instruction", "response"),
    ("instruction", "completion"),
    ("query", "response"),
    ("query", "answer"),
    ("input", "output"),
    ("user", "assistant"),
    ("human", "assistant"),
    ("human", "gpt"),
    ("request", "response"),
    ("source", "target"),
    ("q", "a"),
)
_CONTEXTS: Final = ("passage", "context", "article", "document", "paragraph", "story", "background")
_OPTIONS: Final = ("options", "choices")
_SYSTEMS: Final = ("system", "system_prompt", "system_message")
_SPLITS: Final = ("split", "subset", "partition", "fold")
_SPLIT_NAMES: Final = frozenset({"train", "training", "validation", "valid", "val", "dev", "eval", "test", "testing"})
_TEXTS: Final = (
    "text",
    "review",
    "review_text",
    "reviewtext",
    "review_body",
    "comment",
    "content",
    "body",
    "message",
    "sentence",
    "tweet",
    "utterance",
    "post",
    "headline",
    "description",
    "document",
    "article",
    "email",
    "feedback",
)
_LABELS: Final = {
    "label": 10,
    "labels": 10,
    "class": 9,
    "sentiment": 9,
    "category": 9,
    "intent": 9,
    "emotion": 9,
    "target": 8,
    "topic": 8,
    "polarity": 8,
    "overall_rating": 7,
    "rating_overall": 7,
    "rating": 6,
    "stars": 6,
    "score": 5,
    "verdict": 5,
    "tag": 4,
    "type": 3,
}


@dataclass(frozen=True)
class Inferred:
    """A mapping that says at least what user and assistant say, why it was chosen, in sentences, other commands that
    would have made sense, and the columns that there are."""

    mapping: ColumnMapping
    explanation: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


def infer_mapping(
    columns: Sequence[str] | None,
    rows: Iterable[Mapping[str, Any]],
    *,
    path: str = "FILE",
    given: ColumnMapping | None = None,
) -> Inferred:
    """The mapping that names and contents of `columns` (None: those of the first rows) suggest.

    What `given` says stays. `rows` may be a stream; it is read as far as needed: for a label, to its end, to know all
    classes. `path` stands in the commands that are suggested. Raises MappingError if nothing fits, with a command that
    would work.
    """
    if given is not None and given.complete and columns is not None:
        return Inferred(given, columns=tuple(columns))
    stream = iter(rows)
    sample = list(islice(stream, PROFILED_ROWS))
    names = tuple(columns if columns is not None else dict.fromkeys(key for row in sample for key in row))
    if given is not None and given.complete:
        return Inferred(given, columns=names)
    return _Guess(names, sample, stream, path, given or ColumnMapping()).made()


class _Guess:
    def __init__(
        self,
        names: tuple[str, ...],
        sample: Sequence[Mapping[str, Any]],
        rest: Iterable[Mapping[str, Any]],
        path: str,
        given: ColumnMapping,
    ) -> None:
        self.names = names
        self.sample = sample
        self.rest = rest
        self.path = path
        self.given = given
        self.by_name: dict[str, str] = {}
        for name in names:
            self.by_name.setdefault(_folded(name), name)
        self.columns = profiled(names, sample)

    def made(self) -> Inferred:
        if self.given.label is None:
            found = self._pair()
            if found is not None:
                return found
        return self._classification()

    def _pair(self) -> Inferred | None:
        """Question and answer by their names, with what else belongs to them."""
        for asked, answered in _PAIRS:
            user, assistant = self.by_name.get(asked), self.by_name.get(answered)
            if user is None or assistant is None or self.columns[user].nested >= 0.5:
                continue
            parts = [_braces(user)]
            notes = []
            group = None
            below = self._named(("input",)) if asked == "instruction" else None
            context = self._named(_CONTEXTS)
            options = self._named(_OPTIONS)
            if context is not None and self.columns[context].words >= 2.5:
                parts.insert(0, _braces(context))
                profile = self.columns[context]
                if self.given.group is None and profile.distinct < profile.filled:
                    group = self._names_of(context)
                    by = "" if group == context else f", by {group}"
                    notes.append(f"rows of one {context} stay in one split{by}")
            if below is not None:
                parts.append(_braces(below))
            if options is not None and self.columns[options].nested >= 0.5:
                if any(isinstance(row.get(options), list) for row in self.sample):
                    parts.append(f"{{{{ {_variable(options)} | lettered }}}}")
                    notes.append(f"the {options} are lettered A, B, C …")
                else:
                    parts.append(_braces(options))
            made = self._mapping("\n\n".join(parts), _braces(assistant), None, group, self._system())
            if below is not None and self.given.user is None:
                # An instruction without input must not end in blank lines.
                text = f"{_braces(user)}{{% if {_variable(below)} %}}\n\n{_braces(below)}{{% endif %}}"
                made = made.model_copy(update={"user": text})
            said = [f"the user says {_shown(made.user)}, the assistant {_shown(made.assistant)}, by the columns' names"]
            return self._result(made, [*said, *notes])
        return None

    def _names_of(self, context: str) -> str:
        """A column of short cells that are different where, and only where, those of `context` are: its name in the
        data, so to say. The column itself if there is none."""
        texts = self.columns[context].distinct
        for column in self.columns.values():
            if column.name == context or column.distinct != texts or column.length > 40 or column.nested:
                continue
            pairs = {(as_text(row.get(column.name)), as_text(row.get(context))) for row in self.sample}
            if len(pairs) == len({name for name, _ in pairs}) == len({text for _, text in pairs}):
                return column.name
        return context

    def _classification(self) -> Inferred:
        """A text, or several, and a label."""
        label = self.given.label or self._label()
        user = self.given.user
        texts = [] if user is not None else self._texts(label)
        if label is None or (user is None and not texts):
            raise MappingError(self._nothing_fits(label, texts))
        if label not in self.columns:
            raise MappingError(f"--label: there is no column {label!r}; the columns are: {', '.join(self.names)}")
        if user is None:
            user = _braces(texts[0]) if len(texts) == 1 else _headed(texts)
        classes, rows = self._classes(label)
        system = self.given.system or self._system()
        if system is None:
            system = "Classify the text."
            if 1 < len(classes) <= LISTED_CLASSES:
                system += f" Answer with one of: {', '.join(classes)}."
        made = self._mapping(user, _braces(label), label, None, system)
        what = ", ".join(texts) if texts else _shown(user)
        shares = ", ".join(f"{name} {n / rows:.0%}" for name, n in list(classes.items())[:8]) if rows else ""
        more = f" and {len(classes) - 8} more" if len(classes) > 8 else ""
        said = [
            f"took {what} for the text, {label} for its label ({len(classes)} classes: {shares}{more})",
            f"the system message is: {made.system}",
        ]
        return self._result(made, said)

    def _mapping(
        self, user: str, assistant: str, label: str | None, group: str | None, system: str | None
    ) -> ColumnMapping:
        """What was guessed, under what was given."""
        guessed = {
            "user": user,
            "assistant": assistant,
            "label": label,
            "group": group,
            "system": system,
            "split": self._split(),
        }
        own = self.given.model_dump(exclude_none=True)
        return ColumnMapping.model_validate(guessed | own)

    def _result(self, made: ColumnMapping, said: Sequence[str]) -> Inferred:
        shown = {name: value for name, value in made.model_dump().items() if name in ("system", "user", "assistant")}
        options = _options(shown | {"label": made.label, "group": made.group})
        how = f"say otherwise with other options; these were: {options}"
        split = [f"the column {made.split} names the split of each row"] if made.split and not self.given.split else []
        return Inferred(made, (*said, *split, how), tuple(self._alternatives(made)), self.names)

    def _alternatives(self, made: ColumnMapping) -> Iterable[str]:
        """Commands with another label, or another text."""
        if made.label is None or self.given.label is not None:
            return
        for column in self.columns.values():
            if column.name != made.label and column.classes and self._label_score(column) > 1:
                yield _command(self.path, {"label": column.name})
        texts = self._texts(made.label)
        prose = [c.name for c in self.columns.values() if c.prose and c.name not in texts and c.name != made.label]
        for name in prose[:3]:
            yield _command(self.path, {"user": _braces(name), "label": made.label})

    def _named(self, names: Sequence[str]) -> str | None:
        return next((self.by_name[name] for name in names if name in self.by_name), None)

    def _system(self) -> str | None:
        name = self._named(_SYSTEMS)
        return _braces(name) if name is not None and self.columns[name].nested < 0.5 else None

    def _split(self) -> str | None:
        name = self._named(_SPLITS)
        if name is None:
            return None
        values = {as_text(row.get(name)).strip().lower() for row in self.sample} - MISSING
        return name if values and values <= _SPLIT_NAMES else None

    def _label(self) -> str | None:
        """The likeliest label: by name first; by content only if there is but one such column."""
        scored = [(self._label_score(column), column) for column in self.columns.values()]
        best = max((score for score, _ in scored), default=0)
        first = [column.name for score, column in scored if score == best]
        if best > 1 or (best == 1 and len(first) == 1):
            return first[0]
        return None

    def _label_score(self, column: Column) -> int:
        name = _folded(column.name)
        exact = _LABELS.get(name, 0)
        if not column.filled or column.length > 40 or max(column.urls, column.dates, column.nested) >= 0.5:
            return 0
        if exact and column.distinct <= max(20, 0.2 * column.filled):
            return exact + 1
        if not column.classes:
            return 0
        words = name.split("_")
        by_word = max((_LABELS.get(word, 0) - 3 for word in words), default=0) + ("overall" in words)
        # An identifier or a count has few values in a small table, too.
        if words[-1] in ("id", "count", "year", "url") or words[0] in ("count", "id"):
            return 0
        return max(1, by_word)

    def _texts(self, label: str | None) -> list[str]:
        """The column that is the text by its name, or all that are by their content (at most four)."""
        for name in _TEXTS:
            known = self.by_name.get(name)
            if known is not None and known != label and self._may_be_text(self.columns[known]):
                return [known]
        prose = [column.name for column in self.columns.values() if column.prose and column.name != label]
        return prose[:4]

    @staticmethod
    def _may_be_text(column: Column) -> bool:
        return column.filled > 0 and max(column.urls, column.nested, column.numbers) < 0.5

    def _classes(self, label: str) -> tuple[dict[str, int], int]:
        """The classes with their numbers of rows, sorted by name, and the number of rows that have one."""
        counts: Counter[str] = Counter()
        for row in chain(self.sample, self.rest):
            named = as_text(row.get(label))
            counts[named if self.given.labels is None else mapped_label(named, self.given.labels, named)] += 1
            if len(counts) > 1000:
                break
        return class_names(counts), sum(n for name, n in counts.items() if name.strip().lower() not in MISSING)

    def _nothing_fits(self, label: str | None, texts: Sequence[str]) -> str:
        """Why no mapping was found, and a command that would work."""
        shown = ", ".join(self.names) or "none"
        nested = self._nested()
        if nested is not None:
            return nested
        if label is not None:
            why = f"{label} may be the label, but no column looks like a text"
        elif texts:
            why = f"{' and '.join(texts)} may be the text, but no column is clearly its label or answer"
        else:
            why = "no columns look like a question with its answer, or a text with its label"
        user = texts[0] if texts else next((c.name for c in self._by_length() if c.name != label), "COLUMN")
        answer = label or next((name for name in reversed(self.names) if name != user), "COLUMN")
        command = _command(self.path, {"user": _braces(user), "assistant": _braces(answer)})
        return f"{self.path}: {why}; the columns are: {shown}. Say what user and assistant say, for example: {command}"

    def _by_length(self) -> list[Column]:
        plain = [column for column in self.columns.values() if column.nested < 0.5 and column.urls < 0.5]
        return sorted(plain, key=lambda column: -column.length)

    def _nested(self) -> str | None:
        """If the records are within a column: how to get at them."""
        for name in self.names:
            inner = [_items(row[name]) for row in self.sample if isinstance(row.get(name), list)]
            items = [item for item in chain.from_iterable(inner) if isinstance(item, dict)]
            if self.given.records is not None or not items:
                continue
            rows = [
                {**{k: v for k, v in row.items() if not isinstance(v, (list, dict))}, **item}
                for row in self.sample
                for item in _items(row.get(name))
                if isinstance(item, dict)
            ]
            records = f"{name}[]"
            fields: dict[str, str | None] = {"records": records}
            try:
                made = infer_mapping(None, rows, path=self.path).mapping
                fields |= {"user": made.user, "assistant": made.assistant, "group": made.group}
            except MappingError:
                fields |= {"user": "{{COLUMN}}", "assistant": "{{COLUMN}}"}
            known = ", ".join(dict.fromkeys(key for row in rows for key in row))
            return (
                f"{self.path}: the records seem to be inside of {name!r}, {len(items) / len(inner):.1f} in each item "
                f"on average, with the columns {known}. Try: {_command(self.path, fields)}"
            )
        return None


def class_names(counts: Mapping[str, int]) -> dict[str, int]:
    """The classes behind the labels in `counts`, as they are usually spelled, with their numbers of rows.

    Spellings that differ in case, space or punctuation are one class, named by the commonest of them; so are a class
    and its abbreviation, if that is much rarer. Cells that stand for none are left out. Sorted: numbers by value.
    """
    spellings: dict[str, Counter[str]] = {}
    for label, n in counts.items():
        if label.strip().lower() not in MISSING:
            spellings.setdefault(folded_label(label), Counter())[label.strip()] += n
    total = {folded: sum(forms.values()) for folded, forms in spellings.items()}
    for short in sorted(total):
        whole = [name for name in total if name != short and name.startswith(short)]
        if 2 <= len(short) <= 4 and len(whole) == 1 and total[whole[0]] >= _ABBREVIATED * total[short]:
            forms = spellings[whole[0]]
            forms[_commonest(forms)] += total[short]
            del spellings[short]
    named = {_commonest(forms): sum(forms.values()) for forms in spellings.values()}
    return dict(sorted(named.items(), key=lambda item: _natural(item[0])))


def _commonest(forms: Counter[str]) -> str:
    """The most frequent form; of equal ones the last by code points, which prefers small letters."""
    return max(forms, key=lambda form: (forms[form], form))


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _natural(name: str) -> tuple[int, float, str]:
    try:
        return (0, float(name), name)
    except ValueError:
        return (1, 0.0, name.casefold())


def _folded(name: str) -> str:
    """A column's name without what people write it differently by: case, spaces, hyphens, humps."""
    humps = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\s_.-]+", "_", humps).strip("_").lower()


def _braces(column: str) -> str:
    return f"{{{{{column}}}}}"


def _variable(column: str) -> str:
    """A column inside of an expression."""
    return column if column.isidentifier() else f"row[{json.dumps(column)}]"


def _headed(columns: Sequence[str]) -> str:
    """Several texts in one, each below its name."""
    return "\n\n".join(f"{re.sub(r'[_-]+', ' ', name).strip().capitalize()}: {_braces(name)}" for name in columns)


def _shown(template: str | None) -> str:
    return (template or "").replace("\n", "\\n")


def _command(path: str, options: Mapping[str, str | None]) -> str:
    """A command line that converts `path` so."""
    return f"dsprep convert {shlex.quote(path)} {_options(options)}"


def _options(options: Mapping[str, str | None]) -> str:
    """Options as they are typed; those that are None are left out."""
    return " ".join(f"--{name} {shlex.quote(_shown(value))}" for name, value in options.items() if value is not None)
