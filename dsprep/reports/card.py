"""The dataset card: the README.md that the Hugging Face Hub shows, with its metadata as YAML in front.

Fields are those of the Hub's specification of dataset cards and of the YAML that `datasets` reads. What comes out of
data or is a name of a file stands in code spans without a backquote or bar in it, where neither Markdown nor HTML nor a
mention means anything, and in YAML that a library has written.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import yaml

from dsprep.model.card import CONFIG, SPOKEN, Card, Column
from dsprep.model.finding import Severity
from dsprep.model.report import Report
from dsprep.reports import (
    counted,
    listed_words,
    standing,
    target_name,
    visible,
)
from dsprep.text.preference import MEMBERS, OPENAI, TRL

NAME: Final = "README.md"

#: The last line of a card: the hash is that of all before it, so that an edited one is told from one that is not.
_MARK: Final = re.compile(rb"<!-- dsprep:card sha256=([0-9a-f]{64})[^\n]*-->\s*\Z")
_SAID: Final = "dsprep writes this page anew as long as nobody has edited it"

#: Upper bounds of the Hub's size categories.
_SIZES: Final = (
    *((10**3, "1K"), (10**4, "10K"), (10**5, "100K"), (10**6, "1M"), (10**7, "10M"), (10**8, "100M")),
    *((10**9, "1B"), (10**10, "10B"), (10**11, "100B"), (10**12, "1T")),
)
_MOST_LABELS, _MOST_COLUMNS, _LONGEST = 40, 60, 120

_MEANING: Final[Mapping[str, str]] = {
    "messages": "the conversation, in order",
    "messages.role": "who speaks",
    "messages.content": "what is said",
    "messages.tool_calls": "the tools that the assistant calls",
    "messages.tool_call_id": "the call that a tool answers",
    "messages.weight": "whether the answer is learnt (1) or not (0)",
    "tools": "the tools that may be called",
    "prompt": "what is asked",
    "completion": "what is answered",
    "chosen": "the preferred answer",
    "rejected": "the other answer",
    "input": "what is asked, with tools, if any",
    "preferred_output": "the preferred answer",
    "non_preferred_output": "the other answer",
    "label": "the class",
}
_PRIVATE: Final = ("PII", "SEC")


def dumps(card: Card, report: Report) -> bytes:
    """The card as a file in UTF-8. The same data, settings and seed give the same bytes."""
    parts = ["---\n" + _yaml(metadata(card, report)) + "---", *_body(card, report)]
    text = "\n\n".join(part for part in parts if part) + "\n\n"
    data = text.encode("utf-8", "backslashreplace")
    return data + f"<!-- dsprep:card sha256={_digest(data)} {_SAID} -->\n".encode()


def is_untouched(data: bytes) -> bool:
    """Whether `data` is a card as dsprep has written it (line ends may have been changed by git)."""
    found = _MARK.search(data)
    return found is not None and found[1].decode() == _digest(data[: found.start()])


def metadata(card: Card, report: Report) -> dict[str, Any]:
    """The metadata in front of the card, as plain data."""
    tasks, tags = _kind(report)
    out: dict[str, Any] = {"pretty_name": card.name}
    if card.spoken:
        out["language"] = card.spoken
    out["license"] = card.licence.identifier if card.licence else "unknown"
    if card.licence and card.licence.identifier == "other":
        out["license_name"] = card.licence.name
        if card.licence.url:
            out["license_link"] = card.licence.url
    out["size_categories"] = [size_category(card.rows)]
    out["task_categories"] = tasks
    out["tags"] = tags
    # The other files of the folder are no part of the data, so every split is named.
    files = [{"split": split.name, "path": split.file} for split in card.splits]
    if not files:
        return out
    out["configs"] = [{"config_name": CONFIG, "data_files": files}]
    info: dict[str, Any] = {}
    if card.columns:
        info["features"] = [_feature(column) for column in card.columns]
    info["splits"] = [
        {"name": split.name, "num_bytes": split.bytes, "num_examples": split.rows} for split in card.splits
    ]
    # The files are not compressed: what is downloaded is what there is.
    info["download_size"] = info["dataset_size"] = sum(split.bytes for split in card.splits)
    out["dataset_info"] = info
    return out


def size_category(rows: int) -> str:
    """The Hub's size category of so many rows: `n<1K`, `1K<n<10K` … `n>1T`."""
    below = ""
    for bound, name in _SIZES:
        if rows < bound:
            return f"{below}<n<{name}" if below else f"n<{name}"
        below = name
    return f"n>{below}"


def _kind(report: Report) -> tuple[list[str], list[str]]:
    """The Hub's task categories, and tags."""
    formats = report.stats.get("formats") or {}
    tasks, tags = ["text-generation"], []
    pairs = any(formats.get(name) for name in MEMBERS)
    if any(n for name, n in formats.items() if name not in MEMBERS):
        tags += ["chat", "sft"]
        if (report.stats.get("labels") or {}).get("source"):
            tasks.insert(0, "text-classification")
    if pairs:
        tags += ["preference", "dpo"]
    if (report.stats.get("roles") or {}).get("tool"):
        tags.append("tool-use")
    return tasks, [*tags, "dsprep"]


def _feature(column: Column) -> dict[str, Any]:
    """A column as `datasets` writes it in YAML."""
    return {"name": column.name, **_typed(column)}


def _typed(column: Column) -> dict[str, Any]:
    if column.type == "struct":
        return {"struct": [_feature(member) for member in column.inner]}
    if column.type != "list":
        return {"dtype": column.type}
    if column.item.type == "struct":
        return {"list": [_feature(member) for member in column.item.inner]}
    item = _typed(column.item)
    return {"list": item["dtype"] if list(item) == ["dtype"] else item}


def _yaml(data: Mapping[str, Any]) -> str:
    text = yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=10_000)
    # What cannot be seen, or turns the reading order around, is written as an escape.
    if any(visible(line) != line for line in text.split("\n")):
        text = yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=False, width=10_000)
    return str(text)


def _body(card: Card, report: Report) -> Iterable[str]:
    yield f"# {_escaped(card.name)}"
    yield card.description or ""
    yield f"{card.summary} It was made by {_escaped(report.tool)}, which has counted every number below."
    yield from _splits(card, report)
    yield from _fields(card)
    yield from _loading(card, report)
    yield from _labels(report)
    yield from _lengths(report)
    yield from _languages(card, report)
    yield from _making(card, report)
    yield from _removed(report)
    yield from _changed(card, report)
    yield from _issues(card, report)
    yield from _personal(card, report)
    yield from _limits(card, report)


def _splits(card: Card, report: Report) -> Iterable[str]:
    if not card.splits:
        return
    yield "## Splits"
    parts = report.stats.get("splits") or {}
    rows = []
    for split in card.splits:
        tokens = (parts.get(split.name) or {}).get("tokens") or {}
        learnt = (parts.get(split.name) or {}).get("trained_tokens") or {}
        rows.append(
            (
                split.name,
                code(split.file),
                f"{split.rows:,}",
                f"{tokens['total']:,}" if tokens else "–",
                f"{learnt['total']:,}" if learnt else "–",
                f"{split.bytes:,}",
                code(split.sha256),
            )
        )
    yield _table(("split", "file", ">rows", ">tokens", ">learnt", ">bytes", "SHA-256"), rows)
    names = listed_words(code(split.file) for split in card.splits)
    yield (
        f"Publish {names} with this page and `croissant.json`. What else dsprep writes beside them holds texts that "
        "were taken out or replaced."
    )


def _fields(card: Card) -> Iterable[str]:
    if not card.splits:
        return
    yield "## Fields"
    if not card.columns:
        yield "The records are too different from each other for a list of their fields."
        return
    rows: list[tuple[str, str, str]] = []
    for column in card.columns:
        _describe(column, "", rows)
    more = f"\n\nThere are {len(rows) - _MOST_COLUMNS:,} more." if len(rows) > _MOST_COLUMNS else ""
    yield _table(("field", "type", "what it is"), rows[:_MOST_COLUMNS]) + more


def _describe(column: Column, above: str, rows: list[tuple[str, str, str]]) -> None:
    name = f"{above}{column.name}"
    types: list[str] = []
    inner = column
    while inner.type == "list":
        types.append("list of ")
        inner = inner.item
    kind = {"struct": "object", "json": "any JSON", "int64": "integer", "float64": "number", "bool": "true or false"}
    words = kind.get(inner.type, inner.type)
    if types and inner.type == "struct":
        words = "objects"
    elif types and inner.type == "string":
        words = "strings"
    rows.append((code(name), "".join(types) + words, _MEANING.get(name.replace("[]", ""), "")))
    for member in inner.inner:
        _describe(member, f"{name}{'[]' * len(types)}.", rows)


def _labels(report: Report) -> Iterable[str]:
    labels = report.stats.get("labels") or {}
    if not labels.get("source"):
        return
    yield "## Labels"
    splits = labels["splits"]
    whole: dict[str, int] = {}
    for counts in splits.values():
        for label, n in counts.items():
            whole[label] = whole.get(label, 0) + n
    total = sum(whole.values())
    ordered = sorted(whole, key=lambda label: (-whole[label], label))
    rows = [
        (code(label), *(f"{counts.get(label, 0):,}" for counts in splits.values()), _percent(whole[label], total))
        for label in ordered[:_MOST_LABELS]
    ]
    place = "label field" if labels["source"] == "field" else "assistant's short answer"
    yield f"Labels are those of the {place}. There are {counted(labels['classes'], 'class', 'classes')}."
    yield _table(("label", *(f">{split}" for split in splits), ">share"), rows)
    if len(ordered) > _MOST_LABELS:
        rest = sum(whole[label] for label in ordered[_MOST_LABELS:])
        yield f"{len(ordered) - _MOST_LABELS:,} more labels have {counted(rest, 'row')} together."
    unlabelled = sum((labels.get("unlabelled") or {}).values())
    if unlabelled:
        yield f"{counted(unlabelled, 'row')} {'has' if unlabelled == 1 else 'have'} no label."


def _lengths(report: Report) -> Iterable[str]:
    stats = report.stats
    parts = {name: part for name, part in (stats.get("splits") or {}).items() if part.get("tokens")}
    if not parts or not stats.get("examples"):
        return
    yield "## Lengths"
    measures = ("min", "median", "mean", "p95", "max")
    rows = [
        (name, words, *(_number(part[key][measure]) for measure in measures))
        for name, part in parts.items()
        for key, words in (("turns", "messages"), ("tokens", "tokens"), ("trained_tokens", "tokens learnt"))
        if part["examples"]
    ]
    yield _table(("split", "per row", *(f">{measure}" for measure in measures)), rows)
    limit = stats["limit"]
    over = stats["all"]["over_limit"]
    unsure = " (a figure that could not be verified)" if limit["unverified"] else ""
    yield (
        f"Tokens are those of {code(stats['encoding'])}. {over:,} of {counted(stats['examples'], 'row')} "
        f"{_are(over)} over the limit of {code(stats['target'])}, {limit['tokens']:,} tokens{unsure}."
    )


def _languages(card: Card, report: Report) -> Iterable[str]:
    if not card.languages:
        return
    yield "## Languages"
    found = report.stats["languages"]
    names = found.get("names") or {}
    shown = [
        f"{_escaped(names.get(name, name))} ({code(name)}) {share:.1%}"
        for name, share in card.languages.items()
        if share >= SPOKEN
    ]
    rest = len(card.languages) - len(shown)
    more = f", and traces of {rest:,} more, some of them guesses gone wrong" if rest else ""
    said = [f"By a detector: {', '.join(shown)}{more}."]
    unknown = sum((found.get("unknown") or {}).values())
    if unknown:
        said.append(f"{counted(unknown, 'row')} {_are(unknown)} too short or unclear to tell.")
    if found.get("one_in", 1) > 1:
        said.append(f"One row in {found['one_in']:,} was looked at.")
    yield " ".join(said)


def _making(card: Card, report: Report) -> Iterable[str]:
    yield "## How it was made"
    rows = [
        (code(name), info.format, f"{info.bytes:,}", code(info.sha256) if info.sha256 else "–")
        for name, info in zip(card.sources, report.inputs, strict=True)
    ]
    yield _table(("input", "format", ">bytes", "SHA-256"), rows)
    yield _fenced("sh", card.command)
    if card.mapping:
        yield "`mapping.yaml` says how the columns became conversations:"
        yield _fenced("yaml", card.mapping.rstrip("\n"))
    packages = ", ".join(f"{name} {version}" for name, version in card.packages.items())
    yield (
        f"The same inputs, settings and seed ({report.settings.get('seed')}) give the same bytes. Versions: "
        f"{_escaped(report.tool)}{', with ' + _escaped(packages) if packages else ''}."
    )


def _removed(report: Report) -> Iterable[str]:
    funnel = report.funnel
    yield "## What was left out, and why"
    yield (
        f"{counted(funnel.rows_in, 'row')} in, {funnel.rows_out:,} out, {funnel.rows_rejected:,} left out: "
        f"{'every row is accounted for' if funnel.reconciles else 'THESE DO NOT ADD UP'}."
    )
    metas = {summary.meta.code: summary.meta for summary in report.summaries}
    rows = []
    for step in funnel.rejected:
        meta = metas.get(step.reason.split(" ")[0])
        rows.append((f"{step.rows:,}", _escaped(step.reason), _escaped(meta.summary) if meta else ""))
    if rows:
        yield _table((">rows", "reason", "what that is"), rows)


def _changed(card: Card, report: Report) -> Iterable[str]:
    if not card.changed:
        return
    yield "## What was changed"
    metas = {summary.meta.code: summary.meta for summary in report.summaries}
    ordered = sorted(card.changed.items(), key=lambda item: (-item[1], item[0]))
    rows = [
        (f"{n:,}", _rule(rule, metas[rule].name), _escaped(metas[rule].summary))
        if rule in metas
        else (f"{n:,}", rule, "")
        for rule, n in ordered
    ]
    yield _table((">rows", "rule", "what it mends"), rows)


def _issues(card: Card, report: Report) -> Iterable[str]:
    yield "## Known issues"
    left = [(severity, standing(report, severity)) for severity in Severity]
    rows = [
        (str(severity), f"{n:,}", _rule(rule, report.meta(rule).name), _escaped(report.meta(rule).summary))
        for severity, found in left
        for rule, n in found.items()
    ]
    if rows:
        yield "What was found, and is still in the data. `dsprep rule CODE` explains a rule."
        yield _table(("severity", ">found", "rule", "what that is"), rows)
    elif report.errors:
        yield "Rules stopped with an error, so it is not known what they would have found."
    else:
        yield f"None of the {counted(len(report.rules_run), 'rule')} that looked has anything left to say."
    if report.hidden.total:
        n = report.hidden.total
        yield f"{counted(n, 'finding')} that somebody has accepted {_are(n)} not counted here."
    if len(card.splits) > 1:
        found = {name.replace("_", " "): n for name, n in card.between.items()}
        some = ", ".join(f"{name} {n:,}" for name, n in found.items() if n)
        yield (
            f"Looked for between the splits, and found: {some}."
            if some
            else f"Looked for between the splits, and not found: {', '.join(found)}."
        )


def _personal(card: Card, report: Report) -> Iterable[str]:
    yield "## Personal data and secrets"
    ran = [rule for rule in report.rules_run if rule.startswith(_PRIVATE)]
    if not ran:
        yield "Nobody has looked: no rule about personal data or secrets was part of the run."
        return
    found = {summary.meta.code: summary for summary in report.summaries if summary.meta.code in ran}
    left: dict[str, int] = {}
    for severity in Severity:
        for rule, n in standing(report, severity).items():
            left[rule] = left.get(rule, 0) + n
    rows = [
        (
            _rule(rule, one.meta.name),
            f"{one.tally.total:,}",
            f"{card.changed.get(rule, 0):,}",
            f"{left.get(rule, 0):,}",
        )
        for rule, one in found.items()
    ]
    if rows:
        yield _table(("rule", ">texts with it", ">rows redacted", ">texts left"), rows)
    else:
        yield f"{counted(len(ran), 'rule')} about personal data and secrets found nothing."
    if any(rule in card.changed for rule in ran):
        how = report.settings.get("redact", "label")
        yield (
            "What was redacted is replaced by a pseudonym, the same one for the same data."
            if how == "pseudonym"
            else "What was redacted is replaced by a label that says what it was."
        )
    yield (
        "Patterns find addresses, numbers, cards and keys. They do not find what only a reader would know: names in "
        "running text, or a story that tells who somebody is."
    )


def _loading(card: Card, report: Report) -> Iterable[str]:
    names = {split.name: split.file for split in card.splits}
    if not names:
        return
    yield "## How to load it"
    first = next(iter(names))
    lines = [
        "from datasets import load_dataset",
        "",
        'data = load_dataset("path/to/this/folder")  # or its name on the Hub',
        f'print(data["{first}"][0])',
    ]
    yield _fenced("python", "\n".join(lines))
    if any(inner.type == "json" for column in card.columns for inner in column.within()):
        yield "Fields of any JSON need `datasets` 4.7 or newer, which gives them back as they stand in the file."
    formats = report.stats.get("formats") or {}
    columns = {column.name for column in card.columns}
    validation = next((name for name in ("validation", "test") if name in names), None)
    evaluated = f', eval_dataset=data["{validation}"]' if validation else ""
    if formats.get(TRL) and columns == set(MEMBERS[TRL]):
        yield "With TRL:"
        yield _fenced(
            "python",
            "from trl import DPOTrainer\n\n"
            f'DPOTrainer(model="a-model", train_dataset=data["{first}"]{evaluated}).train()',
        )
    elif "messages" in columns and not formats.get(OPENAI) and not formats.get(TRL):
        yield "With TRL:"
        yield _fenced(
            "python",
            "from trl import SFTTrainer\n\n"
            f'SFTTrainer(model="a-model", train_dataset=data["{first}"]{evaluated}).train()',
        )
        yield "With axolotl:"
        yield _fenced("yaml", _axolotl(names, validation))
    target = target_name(report)
    if target and target.partition(":")[0] in ("openai", "openai-dpo", "azure", "together", "fireworks", "mistral"):
        files = listed_words(code(file) for file in names.values())
        yield f"{files} {'is' if len(names) == 1 else 'are'} in the shape that {code(target)} takes for an upload."
    yield 'With Croissant, `mlcroissant.Dataset("croissant.json").records("default")` gives the records.'


def _axolotl(names: Mapping[str, str], validation: str | None) -> str:
    def entry(file: str, *more: str) -> list[str]:
        return [
            f"  - path: {file}",
            "    ds_type: json",
            *more,
            "    type: chat_template",
            "    field_messages: messages",
        ]

    lines = ["datasets:", *entry(next(iter(names.values())))]
    if validation:
        lines += ["test_datasets:", *entry(names[validation], "    split: train  # what a file of JSON is called")]
    return "\n".join(lines)


def _limits(card: Card, report: Report) -> Iterable[str]:
    yield "## Limits of this page"
    unknown = ["who collected the data and how", "whether those who wrote it agreed", "what it is fit for"]
    if card.licence is None:
        unknown.insert(0, "under which licence it may be used")
    yield (
        f"It says what can be counted. dsprep does not know {listed_words(unknown)}: that is for the publisher to add. "
        "Rules find what they were written for, and no more."
    )


def code(text: str) -> str:
    """`text` as a code span, of at most so many characters; safe in a cell of a table."""
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 1] + "…"
    shown = visible(text).replace("`", r"\x60").replace("|", r"\x7c")
    return f"`{shown}`" if shown.strip() else "(empty)"


def _rule(rule: str, name: str) -> str:
    return _escaped(f"{rule} {name}".strip())


def _escaped(text: str) -> str:
    """`text`, which comes out of no data, as plain text of Markdown."""
    return re.sub(r"([\\`*_\[\]<>~|#&$]|:(?=//))", r"\\\1", visible(text))


def _fenced(language: str, text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    lines = "\n".join(visible(line) for line in text.split("\n"))
    return f"{fence}{language}\n{lines}\n{fence}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a head that begins with `>` is that of a column of numbers."""
    lines = [
        "| " + " | ".join(head.removeprefix(">") for head in heads) + " |",
        "|" + "|".join("---:" if head.startswith(">") else "---" for head in heads) + "|",
    ]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _percent(n: int, whole: int) -> str:
    return f"{n / whole:.1%}" if whole else "–"


def _number(value: float | int | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()
