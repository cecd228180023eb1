"""LBL001 likely-mislabelled."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dsprep.folds.keyed import excerpt, listed
from dsprep.folds.labels import MOST_LABELS, LabelState, Spellings, label_source
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Columns, KeyedRule, Rows, RuleMeta, RuleOptions
from dsprep.model.source import InputError
from dsprep.text.labels import field_label, folded_label, quoted, short_answer
from dsprep.text.mixing import numbers
from dsprep.text.ngrams import runs
from dsprep.text.normal import SYSTEM_ROLES, exchange, fold_all
from dsprep.text.shingles import word_hashes

#: Of each prompt so many features are kept, those of the smallest hashes: the same words in all prompts.
MOST_FEATURES = 128
#: A feature is one of so many numbers.
FEATURES = 1 << 18
#: Parts of the data, each of which is predicted by a model of the others.
PARTS = 5
#: How strongly weights are held down, and how many examples a model sees, in all its rounds over the data.
_ALPHA, _STEPS = 1e-5, 300_000
#: So many examples are worked on at a time.
_AT_ONCE = 20_000

_MIX = np.uint64(numbers(230, 1)[0] | 1)
_32 = np.uint64(32)


class LikelyMislabelledOptions(RuleOptions):
    """Options of likely-mislabelled."""

    confidence: float = Field(
        0.9, gt=0, lt=1, description="How likely another label must be, and its own at most one minus that."
    )
    most: int = Field(100, ge=1, description="How many are reported at most, the surest.")
    min_examples: int = Field(20, ge=5, description="Classes with fewer examples are left out.")


class LikelyMislabelled(KeyedRule):
    """The label of an example is likely to be wrong: a model that did not see it is sure of another one.

    ## What it does
    Takes the words and pairs of words of each prompt (without the system message), trains a linear classifier on four
    fifths of the examples and predicts the others with it, five times. cleanlab's confident learning then says which
    labels are likely errors; of these the surest are reported (`most`), where the model gives another label a
    probability of at least 0.9 (`confidence`) and the given one no more than 0.1. Equal prompts are always in the same
    part, so that none vouches for itself. Off by default. It needs an extra: `pip install 'dsprep[labels]'`.

    ## Why it matters
    Many labelled sets have a few per cent of wrong labels. In training they cost accuracy, and in the data that you
    measure with they hide which model is better.

    ## Example
    `happy mothers day to all you mums out there` with the label `negative`, among tweets.

    ## Fix
    None: it is for a person to say whether the label or the model is wrong. Of the thirty surest of a well-known set of
    31,014 tweets nineteen labels were wrong, eight could not be decided from the text, and three were right.

    ## Source
    Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in Dataset Labels, JAIR 70, 2021,
    https://arxiv.org/abs/1911.00068, by way of cleanlab, https://github.com/cleanlab/cleanlab
    """

    meta = RuleMeta(
        code="LBL001",
        name="likely-mislabelled",
        severity=Severity.INFO,
        message="label {given_quoted} is likely wrong: {likely_quoted}, by {percent} % (number {rank} of {of})",
        summary="the label is likely to be wrong: a model that did not see it is sure of another one",
        default=False,
    )
    Options = LikelyMislabelledOptions

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        if find_spec("cleanlab") is None:
            raise InputError(
                "rule likely-mislabelled needs the package cleanlab, which is not installed: "
                "pip install 'dsprep[labels]', or leave the rule out with --ignore LBL001"
            )

    def emit(self, batch: Batch) -> Columns | None:
        index = [i for i, example in enumerate(batch.examples) if example is not None and example.messages]
        field, answer = np.zeros(len(index), np.uint64), np.zeros(len(index), np.uint64)
        texts = []
        for n, i in enumerate(index):
            example = batch.examples[i]
            if example is None:
                continue
            labels = field_label(example), short_answer(example)
            for column, label in zip((field, answer), labels, strict=True):
                if label is not None:
                    column[n] = _hashed(folded_label(label))
            texts.append(_prompt(example.messages) if labels != (None, None) else "")
        prompts = fold_all(texts)
        return {
            "row": batch.keys[index],
            "field": field,
            "answer": answer,
            "prompt": np.array([_hashed(prompt) for prompt in prompts], np.uint64),
            "features": _features(prompts),
        }

    def resolve(self, columns: Columns, rows: Rows) -> Iterator[Finding]:
        source = _source(columns)
        if source is None:
            return
        label = columns[source]
        from cleanlab.filter import find_label_issues

        classes, counts = np.unique(label[label != 0], return_counts=True)
        classes = classes[counts >= self.options.min_examples]
        if len(classes) < 2:
            return
        at = np.flatnonzero(np.isin(label, classes))
        given = np.searchsorted(classes, label[at])
        chances = _out_of_fold(columns["features"], at, given, columns["prompt"][at], self.context.seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wrong = find_label_issues(labels=given, pred_probs=chances, filter_by="both", n_jobs=1)
        found = self._surest(np.asarray(wrong, np.bool_), given, chances)
        likely = chances[found].argmax(axis=1)
        keys = columns["row"][at[found]]
        # What labels are called is read again: that of the example, and of one that has the likely label.
        example_of = {number: int(columns["row"][at[np.argmax(given == number)]]) for number in set(likely.tolist())}
        said = listed(rows, np.array([*keys.tolist(), *example_of.values()], np.uint64), _said)
        order = np.argsort(keys, kind="stable")
        places = rows.locate(keys[order])
        for here, n in zip(places, order.tolist(), strict=True):
            key, number = int(keys[n]), int(likely[n])
            asked, own = said[key]
            other = said[example_of[number]][1]
            yield self.finding(
                here,
                key=key,
                args={
                    "given": own[:80],
                    "likely": other[:80],
                    "given_quoted": quoted(own),
                    "likely_quoted": quoted(other),
                    "percent": round(100 * float(chances[found[n], number])),
                    "probability": round(float(chances[found[n], number]), 3),
                    "rank": n + 1,
                    "of": len(keys),
                    "excerpt": asked,
                },
            )

    def _surest(
        self, wrong: NDArray[np.bool_], given: NDArray[np.int64], chances: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """The indexes of the labels to report, of those that are likely to be wrong, the surest first."""
        confidence: float = self.options.confidence
        own, best = chances[np.arange(len(given)), given], chances.max(axis=1)
        found = np.flatnonzero(wrong & (best >= confidence) & (own <= 1 - confidence))
        # The margin is rounded, so that machines that differ in the last bit agree on the order.
        margin = np.round(own[found] - best[found], 9)
        out: NDArray[np.int64] = found[np.lexsort((found, margin))][: self.options.most]
        return out


def _hashed(value: str | bytes) -> int:
    """A 64-bit number for a text, never 0; 0 for an empty one."""
    data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little") | 1 if data else 0


def _prompt(messages: list[Any]) -> str:
    """What stands before the last assistant message, but for the system message."""
    texts: list[str] = []
    before: int | None = None
    for message in messages:
        if type(message) is not dict:
            continue
        role, content = message.get("role"), message.get("content")
        if role == "assistant":
            before = len(texts)
        if type(role) is str and role.encode("utf-8", "replace") in SYSTEM_ROLES:
            continue
        parts = content if type(content) is list else [{"text": content}]
        texts += [part["text"] for part in parts if type(part) is dict and type(part.get("text")) is str]
    return "\n".join(texts[:before])


def _features(prompts: list[bytes]) -> NDArray[np.uint32]:
    """The features of each prompt, uint32 of shape (n, MOST_FEATURES), in order, FEATURES where there are no more."""
    words, counts = word_hashes(prompts)
    pairs, pair_text = runs(words, counts, 2)
    hashes = np.concatenate((words * _MIX, pairs))
    text = np.concatenate((np.repeat(np.arange(len(prompts)), counts), pair_text)).astype(np.uint64)
    # Sorted by text, then by a number of the hash alone: the smallest ones are those of the same words everywhere.
    keyed = np.unique(text << _32 | ((hashes ^ hashes >> _32) * _MIX) >> _32)
    text = (keyed >> _32).astype(np.int64)
    starts = np.searchsorted(text, np.arange(len(prompts)))
    place = np.arange(len(keyed)) - starts[text]
    kept = place < MOST_FEATURES
    out = np.full((len(prompts), MOST_FEATURES), FEATURES, np.uint32)
    out[text[kept], place[kept]] = ((keyed[kept] & np.uint64(0xFFFFFFFF)) * _MIX >> np.uint64(46)).astype(np.uint32)
    return out


def _source(columns: Columns) -> str | None:
    """Which of the columns `field` and `answer` holds the labels, if the data has classes; see `folds.labels`."""
    n = len(columns["row"])
    spellings = []
    for name in ("field", "answer"):
        label, counts = np.unique(columns[name][columns[name] != 0], return_counts=True)
        few = len(label) <= MOST_LABELS
        named = {("", f"{number:x}h"): count for number, count in zip(label.tolist(), counts.tolist(), strict=True)}
        spellings.append((Spellings(Counter(named) if few else Counter(), overflow=not few), int(counts.sum())))
    (fields, with_field), (answers, with_answer) = spellings
    return label_source(
        LabelState(fields, answers, Counter({"": n}), Counter({"": with_field}), Counter({"": with_answer}))
    )


def _out_of_fold(
    features: NDArray[np.uint32], at: NDArray[np.int64], given: NDArray[np.int64], prompt: NDArray[np.uint64], seed: int
) -> NDArray[np.float64]:
    """The probability of each class for each example, of a model that was trained on other parts of the data: float64
    of shape (n, classes). `at` are the rows of `features` of these examples.

    What is drawn, parts and the order of training, is drawn from the prompts: the order of rows plays no part.
    """
    from sklearn.linear_model import SGDClassifier

    n, classes = len(at), np.arange(int(given.max()) + 1)
    drawn = (prompt ^ np.uint64(seed)) * _MIX
    drawn ^= drawn >> _32
    part = (drawn % np.uint64(PARTS)).astype(np.int64)
    order = np.lexsort((given, prompt, drawn * _MIX))
    often = np.zeros(FEATURES + 1, np.int64)
    for some in _chunks(np.arange(n)):
        often += np.bincount(features[at[some]].ravel(), minlength=FEATURES + 1)
    # What stands in one example only says nothing of others.
    used = np.flatnonzero(often[:FEATURES] > 1)
    column = np.full(FEATURES + 1, len(used), np.int32)
    column[used] = np.arange(len(used))
    weights = np.append(np.log(n / often[used]) + 1, 0.0)

    def matrix(some: NDArray[np.int64]) -> Any:
        return _matrix(column[features[at[some]]], weights)

    if not len(used):
        return np.full((n, len(classes)), 1 / len(classes))
    rounds = int(np.clip(np.ceil(_STEPS / n), 5, 50))
    out = np.zeros((n, len(classes)), np.float64)
    for number in range(PARTS):
        model = SGDClassifier(loss="log_loss", alpha=_ALPHA, average=True, random_state=seed, shuffle=False)
        learnt, predicted = order[part[order] != number], np.flatnonzero(part == number)
        if not len(learnt) or not len(predicted):
            out[predicted] = 1 / len(classes)
            continue
        for _ in range(rounds):
            for some in _chunks(learnt):
                model.partial_fit(matrix(some), given[some], classes)
        for some in _chunks(predicted):
            out[some] = model.predict_proba(matrix(some))
    return out


def _chunks(items: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """`items` in pieces of up to so many as are worked on at a time."""
    return [items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE)]


def _matrix(columns: NDArray[np.int32], weights: NDArray[np.float64]) -> Any:
    """A sparse row of weights, of length 1, per example; the last of the weights, 0, stands for no feature."""
    from scipy.sparse import csr_matrix

    weight = weights[columns]
    weight /= np.maximum(np.sqrt((weight * weight).sum(axis=1)), 1e-12)[:, None]
    kept = weight > 0
    bounds = np.concatenate(([0], np.cumsum(kept.sum(axis=1))))
    return csr_matrix((weight[kept], columns[kept], bounds), shape=(len(columns), len(weights) - 1))


def _said(batch: Batch, i: int) -> tuple[str, str]:
    """What the example asks, and its label, as spelled."""
    example = batch.examples[i]
    if example is None:
        return "", ""
    asked, answered = exchange(example)
    return excerpt(asked), (field_label(example) or answered).strip()
