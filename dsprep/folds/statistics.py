"""Statistics of a data set: rows, turns, tokens, roles, labels, epochs. A fold under the laws of a rule's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from dsprep.folds.chisquare import compare
from dsprep.folds.dictionary import Members, members_of
from dsprep.folds.labels import LabelFold, LabelState, LabelTable, label_table
from dsprep.folds.languages import described as described_languages
from dsprep.folds.languages import languages_of
from dsprep.folds.sizes import SIZES
from dsprep.folds.splits import TRAIN, ordered, split_name
from dsprep.folds.turn_shapes import CALLS, Shapes, shapes_of
from dsprep.model.batch import Batch
from dsprep.model.moving import Shift
from dsprep.model.record import UNDECODED
from dsprep.model.rule import RuleContext
from dsprep.model.target import Target
from dsprep.text.tokens import MessageTokens, message_tokens, token_counts, trained_tokens

#: Roles that are counted by name. Others may be anything, even one of its own in each message.
KNOWN_ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function")
OTHER_ROLE: Final = "(other)"
NO_ROLE: Final = "(none)"

#: Where the tokens of a split are: learnt answers, answers of weight 0, what other roles say, tools that are declared,
#: and what frames messages (roles, names, the tokens that part them).
TOKEN_PARTS: Final = ("trained", "weight_zero", "system", "user", "tool", "other", "declared_tools", "framing")
_PART_OF: Final[Mapping[str, int]] = {
    "assistant": 1,
    CALLS: 1,
    "system": 2,
    "developer": 2,
    "user": 3,
    "tool": 4,
    "function": 4,
}
#: Who says what, by these parts.
_SPOKEN: Final[Mapping[str, tuple[int, ...]]] = {
    "system": (2,),
    "user": (3,),
    "assistant": (0, 1),
    "tool": (4,),
    "other": (5,),
}
#: What roles are counted as; a message that is no object is nobody's.
_NOBODY: Final = "(nobody)"
_ROLES: Final[Mapping[str, str]] = {
    **{role: role for role in (*KNOWN_ROLES, NO_ROLE)},
    CALLS: "assistant",
    _NOBODY: NO_ROLE,
}

#: So many splits are told apart, the known ones and the first others by name; the rest are summed up as one. A field
#: of records that names splits may hold anything.
MOST_SPLITS: Final = 20
OTHER_SPLITS: Final = "(other)"

#: At most so many bins on a linear scale.
LINEAR_BINS: Final = 30
#: From this ratio of the maximum to the median on, a linear scale would put nearly all examples in one bin.
LONG_TAIL: Final = 20


@dataclass(slots=True)
class SplitCounts:
    """What is counted per split. The counters map a size (messages or tokens of an example) to how many examples have
    it, exactly."""

    rows: int = 0
    examples: int = 0
    turns: Counter[int] = field(default_factory=Counter)
    tokens: Counter[int] = field(default_factory=Counter)
    trained: Counter[int] = field(default_factory=Counter)
    bytes: int = 0
    #: Tokens by where they are: see TOKEN_PARTS.
    parts: tuple[int, ...] = (0,) * len(TOKEN_PARTS)
    #: Tokens to be learnt that lie beyond the target's limit.
    lost: int = 0
    #: Examples by the number of their language.
    languages: Counter[int] = field(default_factory=Counter)

    def merged(self, other: SplitCounts) -> SplitCounts:
        """The counts of both; neither operand is changed."""
        return SplitCounts(
            self.rows + other.rows,
            self.examples + other.examples,
            self.turns + other.turns,
            self.tokens + other.tokens,
            self.trained + other.trained,
            self.bytes + other.bytes,
            tuple(a + b for a, b in zip(self.parts, other.parts, strict=True)),
            self.lost + other.lost,
            self.languages + other.languages,
        )


@dataclass(slots=True)
class StatisticsState:
    """What the fold carries."""

    blank: int = 0
    undecodable: int = 0
    splits: dict[str, SplitCounts] = field(default_factory=dict)
    roles: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    labels: LabelState = field(default_factory=LabelState)
    members: Members = field(default_factory=Members)
    shapes: Shapes = field(default_factory=Shapes)
    #: Tokens of content per message, by role, counted as in SplitCounts.
    spoken: dict[str, Counter[int]] = field(default_factory=dict)


class StatisticsFold:
    """The fold. `context` gives the encoding to count tokens with, and the target with its limit.

    Counting `tokens` is dear; without it the statistics say nothing of them. Telling languages is, too: `languages` 1
    looks at every example, 8 at about one in eight, 0 at none.
    """

    def __init__(self, context: RuleContext, *, tokens: bool = True, languages: int = 1) -> None:
        self.context = context
        self.tokens = tokens
        self.languages = languages
        self.labels = LabelFold()

    def empty(self) -> StatisticsState:
        return StatisticsState()

    def map(self, batch: Batch) -> StatisticsState:
        state = StatisticsState(labels=self.labels.map(batch), members=members_of(batch))
        rows_of: dict[str, list[int]] = {}
        roles: list[str] = []
        speakers: Counter[tuple[str, ...]] = Counter()
        for i, (record, example) in enumerate(zip(batch.records, batch.examples, strict=True)):
            if record.blank:
                state.blank += 1
                continue
            split = split_name(batch.split_of(i))
            counts = state.splits.get(split)
            if counts is None:
                counts = state.splits[split] = SplitCounts()
                rows_of[split] = []
            counts.rows += 1
            state.undecodable += record.value is UNDECODED
            if example is None:
                continue
            counts.examples += 1
            counts.turns[len(example.messages)] += 1
            rows_of[split].append(i)
            state.formats[example.format] += 1
            own = _speakers(example.messages)
            speakers[tuple(own)] += 1
            roles += own
        for role, n in Counter(roles).items():
            state.roles[_ROLES.get(role, OTHER_ROLE)] += n
        state.shapes = shapes_of(
            ([role if role in _ROLES else OTHER_ROLE for role in own], n) for own, n in speakers.items()
        )
        for split, n in batch.get(SIZES).bytes.items():
            state.splits[split].bytes = n
        if self.languages:
            for split, languages in languages_of(batch, self.languages, self.context.seed).items():
                state.splits[split].languages = languages
        if self.tokens:
            self._count_tokens(batch, rows_of, [role for role in roles if role is not _NOBODY], state)
        state.splits = bounded(state.splits)
        return state

    def _count_tokens(
        self, batch: Batch, rows_of: Mapping[str, list[int]], roles: Sequence[str], state: StatisticsState
    ) -> None:
        encoding = self.context.encoding
        tokens = batch.get(token_counts(encoding))
        trained = batch.get(trained_tokens(encoding))
        messages = batch.get(message_tokens(encoding))
        part = np.fromiter((_PART_OF.get(role, 5) for role in roles), np.int8, len(roles))
        part[messages.trained] = 0
        for name, numbers in _SPOKEN.items():
            said = messages.content[np.isin(part, numbers)]
            if len(said):
                state.spoken[name] = _counted(said)
        lost = _lost(messages, tokens, self.context.target.max_tokens.value)
        for split, rows in rows_of.items():
            counts = state.splits[split]
            counts.tokens = _counted(tokens[rows])
            counts.trained = _counted(trained[rows])
            inside = np.zeros(len(batch), np.bool_)
            inside[rows] = True
            own = inside[messages.row]
            said = np.bincount(part[own], weights=messages.content[own], minlength=len(TOKEN_PARTS)).astype(np.int64)
            said[-2] = int(messages.tools[rows].sum(dtype=np.int64))
            said[-1] = int(tokens[rows].sum(dtype=np.int64)) - int(said[:-1].sum())
            counts.parts = tuple(said.tolist())
            counts.lost = int(lost[rows].sum(dtype=np.int64)) if lost is not None else 0

    def merge(self, a: StatisticsState, b: StatisticsState) -> StatisticsState:
        return StatisticsState(
            a.blank + b.blank,
            a.undecodable + b.undecodable,
            bounded(
                {
                    split: a.splits.get(split, SplitCounts()).merged(b.splits.get(split, SplitCounts()))
                    for split in ordered([*a.splits, *b.splits])
                }
            ),
            a.roles + b.roles,
            a.formats + b.formats,
            self.labels.merge(a.labels, b.labels),
            a.members.merged(b.members),
            a.shapes.merged(b.shapes),
            {
                role: a.spoken.get(role, Counter()) + b.spoken.get(role, Counter())
                for role in sorted({*a.spoken, *b.spoken})
            },
        )

    def moved(self, state: StatisticsState, shift: Shift) -> StatisticsState:
        return replace(state, labels=self.labels.moved(state.labels, shift), members=state.members.moved(shift))

    def finish(self, state: StatisticsState) -> dict[str, Any]:
        """The statistics, as plain JSON data:

        - `rows`: rows of the data; blank lines are none. It is the sum of the next three.
        - `examples`: rows that are conversations. `undecodable`: rows that could not be decoded.
          `not_conversations`: rows that were decoded and are no conversation.
        - `blank_lines`: empty lines between the rows.
        - `target`: the name of the target. `encoding`: what tokens were counted with.
        - `limit`: the target's token limit: `{tokens, source, as_of, unverified}`; `as_of` is a date as text, or null.
        - `formats`: format of the record (`chat`, `alpaca` …) to number of examples.
        - `roles`: role to number of messages; roles that no backend knows are summed under `(other)`, messages
          without a role under `(none)`.
        - `all`, and `splits` by name: `{rows, examples, bytes, turns, tokens, trained_tokens, over_limit, cut_tokens,
          cut_trained_tokens, token_parts}`. `bytes` are those of the records, line ends included. `turns` (messages per
          example), `tokens` (as billed, with what frames them) and `trained_tokens` (those learnt) are summaries:
          `{min, mean, median, p5, p95, max, total}`; percentiles interpolate linearly between the two examples next to
          them; all but `total` are null if there is no example. `over_limit` is the number of examples with more
          tokens than the limit, `cut_tokens` how many tokens they have beyond it, `cut_trained_tokens` how many of
          these would be learnt. `token_parts` says where the tokens are: see TOKEN_PARTS. Rows without a named split
          count as `train`. Order: train, validation, test, others; beyond MOST_SPLITS they are summed under `(other)`.
        - `histogram`: of tokens per example: `{scale, edges, counts}`. `scale` is `linear` or `log`; bin i holds
          examples with `edges[i] <= tokens < edges[i + 1]`; `counts[split][i]` is how many. No edges without examples.
        - `training`: `{examples, epochs, tokens_per_epoch, billed_tokens, price, cost, price_note}` of the train split.
          `epochs` is what the backend would choose by itself (see `default_epochs`); `tokens_per_epoch` sums
          min(tokens, limit) over the examples; `billed_tokens` is that times `epochs`. `price` is the target's, as in
          its file, or null; `cost` in US dollars is price times `billed_tokens`, null without a price; `price_note`
          says why there is none.
        - `turn_tokens`: who speaks (`system` with developer, `user`, `assistant`, `tool` with function, `other`) to a
          summary of the tokens of content per message.
        - `labels`: `{source, classes, splits, unlabelled, drift}`. `source` is `field` (the label field), `answer` (the
          short answers of classification-shaped chat) or null (no classes); `classes` the number of different labels,
          as spelled; `splits[split][label]` the number of examples, most frequent first; `unlabelled[split]` of those
          without a label; `drift[split]` how far the classes of a split are from those of `train`: `{distance,
          statistic, freedom, p}`, see `chisquare.Comparison`; the test is null where it has nothing to say.
        - `languages`: `{examples, one_in, names, splits, unknown}`: of so many `examples`, one in `one_in` of all (1:
          all), `splits[split][code]` are in a language, most frequent first, and of `unknown[split]` it cannot be said.
        - `shapes`: `[{shape, examples, min_messages, max_messages}]`, the most frequent first, others summed up as
          `(other)`; see `turn_shapes.shape_of`.
        - `members`: `[{path, present, of, types, example}]` of the records as they were read, `more_members` whether
          there are more. `path` is such as `messages[].role`; `present` of the `of` objects have it (of items of an
          array: there are `present` in `of` arrays); `types` counts JSON types, and `empty` cells of tables; `example`
          is the first value of the commonest type, sheltered and short, or null.

        If tokens were not counted, there are no `tokens`, `trained_tokens`, `over_limit`, `cut_tokens`,
        `cut_trained_tokens`, `token_parts`, `histogram`, `training` and `turn_tokens`; if nobody looked at languages,
        no `languages`.
        """
        target = self.context.target
        limit = target.max_tokens
        splits = bounded(state.splits)
        whole = SplitCounts()
        for counts in splits.values():
            whole = whole.merged(counts)
        table = label_table(state.labels)
        counted = {
            "histogram": histogram({split: counts.tokens for split, counts in splits.items()}),
            "training": training(splits.get(TRAIN, SplitCounts()), target),
            "turn_tokens": {role: summary(state.spoken[role]) for role in _SPOKEN if role in state.spoken},
        }
        return {
            "rows": whole.rows,
            "examples": whole.examples,
            "undecodable": state.undecodable,
            "not_conversations": whole.rows - whole.examples - state.undecodable,
            "blank_lines": state.blank,
            "target": target.name,
            "encoding": self.context.encoding,
            "limit": {
                "tokens": limit.value,
                "source": limit.source,
                "as_of": limit.as_of.isoformat() if limit.as_of else None,
                "unverified": limit.unverified,
            },
            "formats": dict(sorted(state.formats.items(), key=lambda item: (-item[1], item[0]))),
            "roles": {role: state.roles[role] for role in (*KNOWN_ROLES, OTHER_ROLE, NO_ROLE) if state.roles[role]},
            "all": self._described(whole, limit.value),
            "splits": {split: self._described(counts, limit.value) for split, counts in splits.items()},
            **(counted if self.tokens else {}),
            "labels": {
                "source": table.source,
                "classes": len(table.total),
                "splits": {split: dict(counts) for split, counts in table.counts.items()},
                "unlabelled": dict(table.unlabelled) if table.source else {},
                "drift": drift(table),
            },
            **({"languages": self._languages(splits)} if self.languages else {}),
            "shapes": state.shapes.described(),
            "members": state.members.described(),
            "more_members": state.members.more,
        }

    def _languages(self, splits: Mapping[str, SplitCounts]) -> dict[str, Any]:
        return described_languages({split: counts.languages for split, counts in splits.items()}, self.languages)

    def beyond(self, state: StatisticsState, limit: int) -> tuple[int, int]:
        """How many examples have more tokens than `limit`, and how many tokens they have beyond it."""
        over = [
            (tokens - limit, n)
            for counts in state.splits.values()
            for tokens, n in counts.tokens.items()
            if tokens > limit
        ]
        return sum(n for _, n in over), sum(tokens * n for tokens, n in over)

    def _described(self, counts: SplitCounts, limit: int) -> dict[str, Any]:
        out = {
            "rows": counts.rows,
            "examples": counts.examples,
            "bytes": counts.bytes,
            "turns": summary(counts.turns),
        }
        if self.tokens:
            out["tokens"] = summary(counts.tokens)
            out["trained_tokens"] = summary(counts.trained)
            out["over_limit"] = sum(n for tokens, n in counts.tokens.items() if tokens > limit)
            out["cut_tokens"] = sum((tokens - limit) * n for tokens, n in counts.tokens.items() if tokens > limit)
            out["cut_trained_tokens"] = counts.lost
            out["token_parts"] = dict(zip(TOKEN_PARTS, counts.parts, strict=True))
        return out


def bounded(splits: Mapping[str, SplitCounts]) -> dict[str, SplitCounts]:
    """`splits`, as many as are told apart: a name that is left out of a part is left out of the whole."""
    names = [name for name in ordered(splits) if name != OTHER_SPLITS]
    out = {name: splits[name] for name in names[:MOST_SPLITS]}
    rest = [splits[name] for name in names[MOST_SPLITS:]]
    if OTHER_SPLITS in splits:
        rest.append(splits[OTHER_SPLITS])
    if rest:
        whole = SplitCounts()
        for counts in rest:
            whole = whole.merged(counts)
        out[OTHER_SPLITS] = whole
    return out


def training(counts: SplitCounts, target: Target) -> dict[str, Any]:
    """What training on this split takes, and costs: see StatisticsFold.finish."""
    limit, price = target.max_tokens.value, target.price
    epochs = default_epochs(counts.examples, target.default_epochs)
    per_epoch = sum(min(tokens, limit) * n for tokens, n in counts.tokens.items())
    billed = per_epoch * epochs
    return {
        "examples": counts.examples,
        "epochs": epochs,
        "tokens_per_epoch": per_epoch,
        "billed_tokens": billed,
        "price": price.model_dump(mode="json") if price is not None else None,
        "cost": round(billed * price.usd_per_million_tokens / 1e6, 2) if price is not None else None,
        "price_note": target.price_note,
    }


def drift(table: LabelTable) -> dict[str, Any]:
    """How the classes of each other split differ from those of the training split, as rule label-drift tests it."""
    if TRAIN not in table.counts:
        return {}
    base = table.classes(TRAIN)
    out: dict[str, Any] = {}
    for split in table.counts:
        if split == TRAIN:
            continue
        other = table.classes(split)
        names = sorted({*base, *other})
        a, b = [base.get(name, 0) for name in names], [other.get(name, 0) for name in names]
        tested = compare(a, b)
        out[split] = {
            # Of all classes as they are: the test pools rare ones.
            "distance": round(sum(abs(x / sum(a) - y / sum(b)) for x, y in zip(a, b, strict=True)) / 2, 4),
            # Rounded: the last digits of exp() and lgamma() depend on the platform.
            "statistic": float(f"{tested.statistic:.4g}") if tested is not None else None,
            "freedom": tested.freedom if tested is not None else None,
            "p": float(f"{tested.p:.2g}") if tested is not None else None,
        }
    return out


def default_epochs(examples: int, setting: Literal["cookbook"] | int = "cookbook") -> int:
    """How many epochs a backend trains by default: `setting`, or by the formula of OpenAI's cookbook.

    The formula, of "Data preparation and analysis for chat model fine-tuning"
    (https://cookbook.openai.com/examples/chat_finetuning_data_prep): 3 epochs; with fewer than 100 examples in all of
    them, as many as fit into 100, at most 25; with more than 25,000, as many as fit into 25,000, at least 1. No epochs
    without examples.
    """
    if examples <= 0:
        return 0
    if setting != "cookbook":
        return setting
    if examples * 3 < 100:
        return min(25, 100 // examples)
    if examples * 3 > 25_000:
        return max(1, 25_000 // examples)
    return 3


def summary(counts: Mapping[int, int]) -> dict[str, float | int | None]:
    """`{min, mean, median, p5, p95, max, total}` of the values that `counts` counts; None, but for the total, if there
    are none. Percentiles interpolate linearly, as numpy's do by default. Rounded to three decimals."""
    n = sum(counts.values())
    if not n:
        return {"min": None, "mean": None, "median": None, "p5": None, "p95": None, "max": None, "total": 0}
    values = sorted(counts)
    last = np.cumsum([counts[value] for value in values])  # last[i]: how many are at most values[i]
    total = sum(value * counts[value] for value in values)

    def percentile(percent: int) -> float | int:
        # In whole numbers as far as possible: 0.05 is no binary fraction.
        rank, rest = divmod(percent * (n - 1), 100)
        low = values[int(np.searchsorted(last, rank, side="right"))]
        if not rest:
            return low
        high = values[int(np.searchsorted(last, rank + 1, side="right"))]
        return _plain(low + (high - low) * rest / 100)

    return {
        "min": values[0],
        "mean": _plain(total / n),
        "median": percentile(50),
        "p5": percentile(5),
        "p95": percentile(95),
        "max": values[-1],
        "total": total,
    }


def histogram(counts: Mapping[str, Mapping[int, int]]) -> dict[str, Any]:
    """`{scale, edges, counts}` of the values counted per split, in bins shared by all; see StatisticsFold.finish.

    The scale is logarithmic if the largest value is more than LONG_TAIL times the median. Its edges are 1, 2, 3, 4, 6,
    8, 12, 16 … (two to an octave); linear ones stand 1, 2 or 5 times a power of ten apart.
    """
    together: Counter[int] = Counter()
    for part in counts.values():
        for value, n in part.items():
            together[value] += n
    if not together:
        return {"scale": "linear", "edges": [], "counts": {split: [] for split in counts}}
    low, high = min(together), max(together)
    median = summary(together)["median"] or 1
    log = high > LONG_TAIL * max(1, median)
    edges = _log_edges(low, high) if log else _linear_edges(low, high)
    return {
        "scale": "log" if log else "linear",
        "edges": edges,
        "counts": {split: _binned(part, edges) for split, part in counts.items()},
    }


def _speakers(messages: Sequence[Any]) -> list[str]:
    """The role of each message; an assistant that calls tools is told apart from one that talks."""
    out = []
    for message in messages:
        if type(message) is not dict:
            out.append(_NOBODY)
            continue
        role = message.get("role")
        if type(role) is not str:
            role = NO_ROLE
        elif role == "assistant" and (message.get("tool_calls") or message.get("function_call")):
            role = CALLS
        out.append(role)
    return out


def _lost(messages: MessageTokens, tokens: NDArray[np.int32], limit: int) -> NDArray[np.int64] | None:
    """How many tokens to be learnt of each example lie beyond `limit`, when it is cut there; None if none is so long.
    Tools count first, and of a message what frames it, as in the rule answer-truncated."""
    if not len(messages.row) or not (tokens > limit).any():
        return None
    ends = np.cumsum(messages.tokens, dtype=np.int64)
    first = np.flatnonzero(np.diff(messages.row, prepend=-1))
    base = np.zeros(len(tokens), np.int64)
    base[messages.row[first]] = ends[first] - messages.tokens[first]
    ends += messages.tools[messages.row] - base[messages.row]
    lost = np.where(messages.trained, np.clip(ends - limit, 0, messages.content), 0)
    # The tokens that prime the reply may be all that is beyond the limit.
    over = (tokens > limit)[messages.row]
    return np.bincount(messages.row[over], weights=lost[over], minlength=len(tokens)).astype(np.int64)


def _counted(values: NDArray[np.int32]) -> Counter[int]:
    distinct, n = np.unique(values, return_counts=True)
    return Counter(dict(zip(distinct.tolist(), n.tolist(), strict=True)))


def _plain(value: float) -> float | int:
    """Rounded to three decimals, without a decimal point where none is needed."""
    rounded = round(value, 3)
    return int(rounded) if rounded == int(rounded) else rounded


def _linear_edges(low: int, high: int) -> list[int]:
    step = 1
    for step in (factor * 10**power for power in range(19) for factor in (1, 2, 5)):
        if high // step - low // step < LINEAR_BINS:
            break
    return [step * i for i in range(low // step, high // step + 2)]


def _log_edges(low: int, high: int) -> list[int]:
    edges = [0, 1]
    while edges[-1] <= high:
        # 1, 2, 3, 4, 6, 8, 12 …: a power of two, then one and a half times that.
        last = edges[-1]
        edges.append(last * 3 // 2 if last & (last - 1) == 0 and last > 1 else 1 << last.bit_length())
    first = max(i for i, edge in enumerate(edges) if edge <= low)
    return edges[first:]


def _binned(counts: Mapping[int, int], edges: Sequence[int]) -> list[int]:
    out = [0] * (len(edges) - 1)
    values = list(counts)
    for value, i in zip(values, np.searchsorted(edges, values, side="right").tolist(), strict=True):
        out[i - 1] += counts[value]
    return out
