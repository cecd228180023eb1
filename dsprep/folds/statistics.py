"""Statistics of a data set: rows, turns, tokens, roles, labels, epochs. A fold under the laws of a rule's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from dsprep.folds.labels import LabelFold, LabelState, label_table
from dsprep.folds.splits import TRAIN, ordered, split_name
from dsprep.model.batch import Batch
from dsprep.model.moving import Shift
from dsprep.model.record import UNDECODED
from dsprep.model.rule import RuleContext
from dsprep.text.tokens import token_counts, trained_tokens

#: Roles that are counted by name. Others may be anything, even one of its own in each message.
KNOWN_ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function")
OTHER_ROLE: Final = "(other)"
NO_ROLE: Final = "(none)"

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

    def merged(self, other: SplitCounts) -> SplitCounts:
        """The counts of both; neither operand is changed."""
        return SplitCounts(
            self.rows + other.rows,
            self.examples + other.examples,
            self.turns + other.turns,
            self.tokens + other.tokens,
            self.trained + other.trained,
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


class StatisticsFold:
    """The fold. `context` gives the encoding to count tokens with, and the target with its limit.

    Counting `tokens` is dear; without it the statistics say nothing of them.
    """

    def __init__(self, context: RuleContext, *, tokens: bool = True) -> None:
        self.context = context
        self.tokens = tokens
        self.labels = LabelFold()

    def empty(self) -> StatisticsState:
        return StatisticsState()

    def map(self, batch: Batch) -> StatisticsState:
        state = StatisticsState(labels=self.labels.map(batch))
        members: dict[str, list[int]] = {}
        roles: list[str] = []
        for i, (record, example) in enumerate(zip(batch.records, batch.examples, strict=True)):
            if record.blank:
                state.blank += 1
                continue
            split = split_name(batch.split_of(i))
            counts = state.splits.get(split)
            if counts is None:
                counts = state.splits[split] = SplitCounts()
                members[split] = []
            counts.rows += 1
            state.undecodable += record.value is UNDECODED
            if example is None:
                continue
            counts.examples += 1
            counts.turns[len(example.messages)] += 1
            members[split].append(i)
            state.formats[example.format] += 1
            for message in example.messages:
                role = message.get("role") if type(message) is dict else None
                roles.append(role if type(role) is str else NO_ROLE)
        for role, n in Counter(roles).items():
            state.roles[role if role in KNOWN_ROLES or role == NO_ROLE else OTHER_ROLE] += n
        if self.tokens:
            tokens = batch.get(token_counts(self.context.encoding))
            trained = batch.get(trained_tokens(self.context.encoding))
            for split, indexes in members.items():
                state.splits[split].tokens = _counted(tokens[indexes])
                state.splits[split].trained = _counted(trained[indexes])
        return state

    def merge(self, a: StatisticsState, b: StatisticsState) -> StatisticsState:
        return StatisticsState(
            a.blank + b.blank,
            a.undecodable + b.undecodable,
            {
                split: a.splits.get(split, SplitCounts()).merged(b.splits.get(split, SplitCounts()))
                for split in ordered([*a.splits, *b.splits])
            },
            a.roles + b.roles,
            a.formats + b.formats,
            self.labels.merge(a.labels, b.labels),
        )

    def moved(self, state: StatisticsState, shift: Shift) -> StatisticsState:
        return replace(state, labels=self.labels.moved(state.labels, shift))

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
        - `all`, and `splits` by name: `{rows, examples, turns, tokens, trained_tokens, over_limit}`. `turns` (messages
          per example), `tokens` (as billed, with what frames them) and `trained_tokens` (those learnt) are summaries:
          `{min, mean, median, p5, p95, max, total}`; percentiles interpolate linearly between the two examples next to
          them; all but `total` are null if there is no example. `over_limit` is the number of examples with more
          tokens than the limit. Rows without a named split count as `train`. Order: train, validation, test, others.
        - `histogram`: of tokens per example: `{scale, edges, counts}`. `scale` is `linear` or `log`; bin i holds
          examples with `edges[i] <= tokens < edges[i + 1]`; `counts[split][i]` is how many. No edges without examples.
        - `training`: `{examples, epochs, tokens_per_epoch, billed_tokens}` of the train split. `epochs` is what the
          backend would choose by itself (see `default_epochs`); `tokens_per_epoch` sums min(tokens, limit) over the
          examples; `billed_tokens` is that times `epochs`.
        - `labels`: `{source, classes, splits, unlabelled}`. `source` is `field` (the label field), `answer` (the short
          answers of classification-shaped chat) or null (no classes); `classes` the number of different labels, as
          spelled; `splits[split][label]` the number of examples, most frequent first; `unlabelled[split]` of those
          without a label.

        If tokens were not counted, there are no `tokens`, `trained_tokens`, `over_limit`, `histogram` and `training`.
        """
        target = self.context.target
        limit = target.max_tokens
        splits = {split: state.splits[split] for split in ordered(state.splits)}
        whole = SplitCounts()
        for counts in splits.values():
            whole = whole.merged(counts)
        training = splits.get(TRAIN, SplitCounts())
        epochs = default_epochs(training.examples, target.default_epochs)
        per_epoch = sum(min(tokens, limit.value) * n for tokens, n in training.tokens.items())
        table = label_table(state.labels)
        counted = {
            "histogram": histogram({split: counts.tokens for split, counts in splits.items()}),
            "training": {
                "examples": training.examples,
                "epochs": epochs,
                "tokens_per_epoch": per_epoch,
                "billed_tokens": per_epoch * epochs,
            },
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
            },
        }

    def _described(self, counts: SplitCounts, limit: int) -> dict[str, Any]:
        out = {"rows": counts.rows, "examples": counts.examples, "turns": summary(counts.turns)}
        if self.tokens:
            out["tokens"] = summary(counts.tokens)
            out["trained_tokens"] = summary(counts.trained)
            out["over_limit"] = sum(n for tokens, n in counts.tokens.items() if tokens > limit)
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
