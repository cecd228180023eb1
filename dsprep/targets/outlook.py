"""Which targets would take a data set, as far as its statistics and the findings about it say."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from dsprep.folds.splits import TRAIN
from dsprep.model.target import Limit, Target

Answer = Literal["yes", "no", "after-prepare", "unknown"]

#: What a shape must look like where turns have to alternate.
_ALTERNATING: Final = frozenset(
    f"{system}{turns}"
    for system in ("", "system, ", "developer, ")
    for turns in ("user, assistant", "(user, assistant) × n", "user")
)
#: Codes of rules that go by the target: what they find for one says nothing of another.
_OF_TARGET: Final = frozenset(
    {"SCH005", "SCH008", "SCH010", "SCH011", "SCH012", "SCH013", "SCH016", "TOL007", "CNV003"}
)
#: Groups of rules about data as a whole, which putting rows aside does not mend.
_OF_ALL: Final = frozenset({"SET"})
#: Codes of what only a strict backend minds; a trainer hands it to a chat template.
_STRICT: Final = ("SCH", "TOL", "CNV")
#: Codes of rows that are no conversations at all.
_NOTHING: Final = frozenset({"SCH001", "SCH002", "SCH003"})

#: What `prepare` keeps for training by default.
_TRAINED: Final = 0.9
_MOST_REASONS: Final = 4
_MOST_NAMES: Final = 4

Beyond = Callable[[int], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Standing:
    """The name of a rule, how many errors it has found, and how many of these `prepare` would not mend, so that it puts
    their rows aside."""

    name: str
    count: int
    unmended: int

    def __str__(self) -> str:
        return f"{self.name}: {self.count:,}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What the run has found, for the target that it was made for.

    `accepted` is its verdict (None: incomplete); `standing` are errors that stop an upload, by code; `formats` are
    those that the files have (`jsonl`, `csv` …); `rules_run` the codes of the rules that ran.
    """

    target: Target
    accepted: bool | None
    standing: Mapping[str, Standing] = field(default_factory=dict)
    formats: Sequence[str] = ()
    rules_run: Iterable[str] = ()


@dataclass(slots=True)
class _Case:
    """What speaks against an upload: for good, until the data is prepared (with the number of rows that may go), or as
    far as nobody knows."""

    never: list[str] = field(default_factory=list)
    until: list[str] = field(default_factory=list)
    lost: int = 0
    unknown: list[str] = field(default_factory=list)

    def until_prepared(self, reason: str, rows: int = 0) -> None:
        self.until.append(reason)
        self.lost += rows


def outlook(
    stats: Mapping[str, Any], beyond: Beyond, targets: Sequence[Target], checked: Checked
) -> list[dict[str, Any]]:
    """Plain JSON data, an entry per target, the one of the run first: see docs/json-report.md, `stats.targets`.

    `stats` are those of the run, `beyond` says of a token limit how many examples are above it, and by how many tokens.
    """
    own = checked.target
    others = [target for target in targets if target.model_copy(update={"name": own.name}) != own]
    return [_entry(stats, beyond, target, checked) for target in (own, *others)]


def _entry(stats: Mapping[str, Any], beyond: Beyond, target: Target, checked: Checked) -> dict[str, Any]:
    own = target is checked.target
    case = _case(stats, target, checked)
    if own:
        # What the run has found counts for its own target; statistics add what findings do not speak of.
        case.until = [reason for reason in case.until if reason in _of_files(stats, checked)]
        case.lost, case.unknown = 0, []
        for code, found in checked.standing.items():
            if code[:3] in _OF_ALL:
                case.never.append(f"{code} {found}")
            else:
                case.until_prepared(f"{code} {found}", found.unmended)
    answer = _answer(stats, target, case)
    if own and checked.accepted is None:
        answer = "unknown"
        case.unknown.append("a rule failed")
    reasons = [*case.never, *case.until, *([] if answer == "no" else case.unknown)]
    limit = target.max_tokens
    return {
        "target": target.name,
        "title": target.title,
        "checked": own,
        "accepted": answer,
        "reasons": reasons[:_MOST_REASONS],
        "examples": _training(stats),
        "min_examples": target.min_examples.value,
        "min_examples_unverified": target.min_examples.unverified,
        "limit": limit.value,
        "limit_unverified": limit.unverified,
        "beyond": _beyond(stats, beyond, target),
    }


def _answer(stats: Mapping[str, Any], target: Target, case: _Case) -> Answer:
    if case.never:
        return "no"
    if not case.until:
        return "unknown" if case.unknown else "yes"
    # As many rows as may be put aside are: then there are at least so many.
    left = math.floor(_TRAINED * max(stats["rows"] - case.lost, 0))
    return "after-prepare" if left >= _least(target) else "unknown"


def _case(stats: Mapping[str, Any], target: Target, checked: Checked) -> _Case:
    case = _Case()
    _size(stats, target, case)
    _form(stats, target, case)
    for reason in _of_files(stats, checked):
        case.until_prepared(reason)
    _members(stats, target, checked.target, case)
    _turns(stats, target, case)
    _findings(stats, target, checked, case)
    return case


def _size(stats: Mapping[str, Any], target: Target, case: _Case) -> None:
    have = _training(stats)
    if have < _least(target):
        case.never.append(f"{_n(have, 'training example')}, and it takes no fewer than {_least(target):,}")
    for split, part in stats["splits"].items():
        if _above(target.max_rows, part["rows"]):
            case.never.append(f"{part['rows']:,} rows of {split}, and it takes at most {target.max_rows.value:,}")  # type: ignore[union-attr]
        if _above(target.max_file_bytes, part["bytes"]):
            case.never.append(
                f"{part['bytes']:,} bytes of {split}, and it takes at most {target.max_file_bytes.value:,}"  # type: ignore[union-attr]
            )
    quota = target.max_job_tokens
    trained = stats["splits"].get(TRAIN, {}).get("tokens", {}).get("total", 0)
    if quota is not None and not quota.unverified and trained > quota.value:
        case.never.append(f"about {trained:,} tokens, and a job may have {quota.value:,}")


def _form(stats: Mapping[str, Any], target: Target, case: _Case) -> None:
    """What kind of records there are."""
    pairs = {name: n for name, n in stats["formats"].items() if name.startswith("preference")}
    talks = {name: n for name, n in stats["formats"].items() if name not in pairs}
    if target.format == "preference" and talks:
        case.never.append(f"it trains on preference pairs, and {_n(sum(talks.values()), 'row is', 'rows are')} none")
        return
    if pairs and target.preferences is None:
        n = sum(pairs.values())
        if talks:
            case.until_prepared(f"{_n(n, 'preference pair')}, of which it takes none", n)
        else:
            case.never.append("it takes no preference pairs")
    elif pairs and talks:
        case.until_prepared("preference pairs and conversations go into files of their own", sum(pairs.values()))
    else:
        strange = {name: n for name, n in pairs.items() if name != target.preferences}
        if strange:
            case.until_prepared(f"{_n(sum(strange.values()), 'pair')} in another shape")
    foreign = {name: n for name, n in talks.items() if name not in ("chat", "table", "transcript")}
    if foreign:
        case.until_prepared(f"{_n(sum(foreign.values()), 'record')} in {_listed(foreign)} format")


def _of_files(stats: Mapping[str, Any], checked: Checked) -> list[str]:
    other = dict.fromkeys(name for name in checked.formats if name != "jsonl")
    if other:
        return [f"the data is {_listed(other)}, and is uploaded as JSON lines"]
    made = [name for name in stats["formats"] if name in ("table", "transcript")]
    return ["the records are to be made conversations"] if made else []


def _members(stats: Mapping[str, Any], target: Target, own: Target, case: _Case) -> None:
    """What the records have, beside texts."""
    if set(stats["formats"]) - {"chat"} or not stats["formats"]:
        return  # Of other formats `prepare` makes chat, without what is not taken.
    paths = {item["path"] for item in stats["members"]}
    top = {path for path in paths if "." not in path and "[" not in path}
    inner = {path.removeprefix("messages[].") for path in paths if path.startswith("messages[].")}
    inner = {name for name in inner if "." not in name and "[" not in name}
    for names, taken, where in ((top, target.record_keys, ""), (inner, target.message_keys, " in messages")):
        unknown = sorted(names.difference(taken))
        if unknown and "*" not in taken:
            case.until_prepared(f"{_listed(unknown)}{where} would not be taken")
    if stats["more_members"]:
        case.unknown.append("not all members of the records were looked at")
    calls = "messages[].tool_calls" in paths
    for form, checked, what in (
        (target.tool_id, own.tool_id, "ids of tool calls"),
        (target.function_name, own.function_name, "names of functions"),
    ):
        if calls and form is not None and (checked is None or checked.pattern != form.pattern):
            case.unknown.append(f"{what} were not checked for it")
    if any(path.startswith("messages[].content[].image") for path in paths) and target.images != own.images:
        case.unknown.append("images were not checked for it")
    if target.reserved and target.reserved != own.reserved:
        case.unknown.append("reserved words were not looked for")


def _turns(stats: Mapping[str, Any], target: Target, case: _Case) -> None:
    strange = {role: n for role, n in stats["roles"].items() if role not in target.roles}
    if strange:
        n = sum(strange.values())
        case.until_prepared(f"{_n(n, 'message')} of role {_listed(strange)}", n)
    if target.must_alternate and target.format == "chat":
        odd = sum(shape["examples"] for shape in stats["shapes"] if shape["shape"] not in _ALTERNATING)
        if odd:
            case.unknown.append(f"it wants turns to alternate, and in {_n(odd, 'example')} they may not")


def _findings(stats: Mapping[str, Any], target: Target, checked: Checked, case: _Case) -> None:
    """What was found that has nothing to do with the target."""
    gone = stats["undecodable"] + stats["not_conversations"]
    if gone:
        case.until_prepared(f"{_n(gone, 'row')} that cannot be used", gone)
    own = checked.target
    left = {
        code: found
        for code, found in checked.standing.items()
        if code not in _OF_TARGET and code[:3] not in _OF_ALL and not (gone and code in _NOTHING)
    }
    if not target.strict and own.strict:
        lenient = {code: found for code, found in left.items() if not code.startswith(_STRICT)}
        if len(lenient) < len(left):
            case.unknown.append(f"what {_listed(sorted(left.keys() - lenient.keys()))} found may not matter to it")
        left = lenient
    for code, found in left.items():
        case.until_prepared(f"{code} {found}", found.unmended)
    if target.strict and not own.strict:
        case.unknown.append(f"it checks more than {own.name}, which this run was for")
    if not any(code.startswith("SCH") for code in checked.rules_run):
        case.unknown.append("no rule has looked at the records")
    elif checked.accepted is None and target is not own:
        case.unknown.append("a rule failed")


def _beyond(stats: Mapping[str, Any], beyond: Beyond, target: Target) -> dict[str, Any] | None:
    if "tokens" not in stats["all"]:
        return None
    examples, tokens = beyond(target.max_tokens.value)
    return {
        "examples": examples,
        "tokens": tokens,
        "estimated": target.estimated or target.encoding != stats["encoding"],
        "becomes": target.beyond_limit,
    }


def _training(stats: Mapping[str, Any]) -> int:
    examples: int = stats["splits"].get(TRAIN, {}).get("examples", 0)
    return examples


def _least(target: Target) -> int:
    return 1 if target.min_examples.unverified else target.min_examples.value


def _above(limit: Limit | None, n: int) -> bool:
    return limit is not None and not limit.unverified and n > limit.value


def _n(n: int, one: str, many: str | None = None) -> str:
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"


def _listed(names: Iterable[str]) -> str:
    items = list(names)
    more = len(items) - _MOST_NAMES
    return ", ".join(items[:_MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
