"""TXT013 low-diversity."""

from __future__ import annotations

import heapq
import re
import zlib
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise
from typing import Any, ClassVar, Final, NamedTuple

from pydantic import Field

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.moving import Shift
from dsprep.model.rule import FoldRule, Rows, RuleMeta, RuleOptions
from dsprep.text.sensitive.showing import beginning
from dsprep.text.turn_bytes import TURN_BYTES

#: So many exchanges are kept, those of the smallest keys. The share of something in them is off by 2.2 % at most (the
#: standard error of one half).
SAMPLE: Final = 500
#: Bytes of an answer, and words of those, that are looked at. The share of different pairs of words falls with the
#: length of a text, so no more is taken of a long answer than most have.
_HEAD, _WORDS = 400, 50
#: Bytes of a prompt of which the first words are taken.
_ASKED: Final = 120
#: Answers of fewer bytes are labels, numbers or names, which are the same on purpose.
_SHORTEST: Final = 40
_EXCERPT: Final = 80

#: Words; where they are written without spaces, characters.
_WORD: Final = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|\w+")


#: ASCII in small letters, with spaces for all that is no letter or digit, which is what `_WORD` finds there.
_PLAIN: Final = bytes(ord(chr(i).lower()) if chr(i).isalnum() or i == 0x5F else 0x20 for i in range(128)) + bytes(128)


class LowDiversityOptions(RuleOptions):
    min_examples: int = Field(100, ge=2, description="data of fewer examples are not judged")
    opening_words: int = Field(4, ge=1, le=20, description="how many words make an opening")
    max_opening_share: float = Field(
        0.2, gt=0, lt=1, description="the share of answers that may begin with the same words"
    )
    min_distinct: float = Field(
        0.3, ge=0, lt=1, description="the least share of different pairs of words among all that stand side by side"
    )
    min_prompts: float = Field(0.1, ge=0, lt=1, description="the least share of different prompts")


class _Exchange(NamedTuple):
    """What is kept of an exchange: how often it is in the data, how its answer and its prompt begin, a number of 32
    bits for each word of its answer, four bytes each, and one for the whole prompt."""

    times: int
    opening: str
    asked: str
    words: bytes
    prompt: int


@dataclass(slots=True)
class DiversityState:
    """Exact numbers of exchanges, and of those with a short answer; and, by key, at most SAMPLE exchanges.

    A key is a hash of all that is kept of an exchange, and the exchanges with the smallest keys are kept: which these
    are depends on the union of all of them alone. One of them is never dropped on the way, so its count is exact.
    """

    exchanges: int = 0
    short: int = 0
    sample: dict[int, _Exchange] = field(default_factory=dict)


class LowDiversity(FoldRule[DiversityState]):
    """The data set repeats itself.

    ## What it does
    Looks at a sample of 500 exchanges that their content decides, so that it is the same in any order, and gives one
    finding for the whole data set if

    - more than 20 % of the answers (`max_opening_share`) begin with the same four words (`opening_words`);
    - of the pairs of neighbouring words at the beginnings of the answers less than 30 % are different ones
      (`min_distinct`), which is the figure distinct-2;
    - the prompts are the same few again and again: less than 10 % are different ones (`min_prompts`).

    The finding has all figures. Data of fewer than 100 examples (`min_examples`), and data with short answers, such as
    labels, are not judged; nor are prompts that begin alike: they have a template.

    ## Why it matters
    A model learns form faster than matter: if a third of the answers begin with the same words, nearly all of its own
    will. And a thousand variations of one example teach what ten of them teach.

    ## Example
    310 of 500 answers begin with `Sure! Here is a …`.

    ## Fix
    None: rewrite the openings, ask for more varied examples, or thin out the commonest kind.

    ## Source
    Li et al., A Diversity-Promoting Objective Function for Neural Conversation Models, 2016,
    https://arxiv.org/abs/1510.03055 (distinct-n); Zhang et al., Trading Off Diversity and Quality in Natural Language
    Generation, 2021. The sample is that of Beyer et al., On Synopses for Distinct-Value Estimation, SIGMOD 2007.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TXT013",
        name="low-diversity",
        severity=Severity.INFO,
        message="the data set repeats itself: {what}",
        summary="the data set repeats itself: openings, pairs of words, prompts",
    )
    Options = LowDiversityOptions

    def empty(self) -> DiversityState:
        return DiversityState()

    def map(self, batch: Batch) -> DiversityState:
        joined = batch.get(TURN_BYTES)
        starts = [*joined.starts.tolist(), len(joined.data)]
        last: dict[int, tuple[int, int]] = {}
        question = row = -1
        for turn, (at, role) in enumerate(zip(batch.turns.row, batch.turns.role, strict=True)):
            if at != row:
                row, question = at, -1
            if role == "user":
                question = turn
            elif role == "assistant" and question >= 0:
                last[row] = question, turn
        state = DiversityState(len(last))
        keyed: list[tuple[int, int, int, bytes]] = []
        for asked, answered in last.values():
            begin, end = starts[answered], starts[answered + 1] - 1
            if end - begin < _SHORTEST:
                state.short += 1
                continue
            head = joined.data[begin : min(begin + _HEAD, end)]
            prompt = zlib.crc32(joined.data[starts[asked] : starts[asked + 1] - 1])
            keyed.append((zlib.crc32(head, prompt), prompt, asked, head))
        if len(keyed) > SAMPLE:
            # Exchanges that are equal count as one. More come through if keys are equal up to here; the rest of the key
            # decides between them.
            most = heapq.nsmallest(SAMPLE, {number for number, *_ in keyed})[-1]
            keyed = [one for one in keyed if one[0] <= most]
        for number, prompt, asked, head in keyed:
            said = joined.data[starts[asked] : min(starts[asked] + _ASKED, starts[asked + 1] - 1)]
            rest = blake2b(b"%d %b %b" % (prompt, said, head), digest_size=4).digest()
            key = number << 32 | int.from_bytes(rest, "big")
            known = state.sample.get(key)
            if known is None:
                state.sample[key] = self._kept(head, said, prompt)
            else:
                state.sample[key] = known._replace(times=known.times + 1)
        state.sample = _smallest(state.sample)
        return state

    def merge(self, a: DiversityState, b: DiversityState) -> DiversityState:
        sample = dict(a.sample)
        for key, one in b.sample.items():
            known = sample.get(key)
            sample[key] = one if known is None else known._replace(times=known.times + one.times)
        return DiversityState(a.exchanges + b.exchanges, a.short + b.short, _smallest(sample))

    def moved(self, state: DiversityState, shift: Shift) -> DiversityState | None:
        return state

    def finish(self, state: DiversityState, rows: Rows) -> Iterator[Finding]:
        if state.exchanges - state.short < max(self.options.min_examples, state.exchanges / 2):
            return
        kept = state.sample.values()
        size = sum(one.times for one in kept)
        openings = _counted(kept, "opening")
        asked = _counted(kept, "asked")
        opening, times = min(openings.items(), key=lambda item: (-item[1], item[0]))
        distinct = _distinct(kept)
        prompts = len({one.prompt for one in kept}) / size
        what = [
            text
            for text, there in (
                (
                    f"{times / size:.0%} of the answers begin with “{opening}”",
                    times > self.options.max_opening_share * size,
                ),
                (
                    f"only {distinct:.0%} of the pairs of words in the answers are different ones",
                    distinct < self.options.min_distinct,
                ),
                (f"only {prompts:.1%} of the prompts are different ones", prompts < self.options.min_prompts),
            )
            if there
        ]
        if not what:
            return
        args: dict[str, Any] = {
            "what": ", ".join(what),
            "examples": state.exchanges,
            "sample": size,
            "opening_share": round(times / size, 4),
            "distinct_2": round(distinct, 4),
            "distinct_openings": round(len(openings) / size, 4),
            "distinct_prompts": round(prompts, 4),
            "prompt_opening_share": round(max(asked.values()) / size, 4),
            "excerpt": beginning(opening, _EXCERPT),
        }
        yield self.finding(rows.dataset, args=args, rows=state.exchanges)

    def _kept(self, head: bytes, asked: bytes, prompt: int) -> _Exchange:
        words = _words(head)[:_WORDS]
        most = self.options.opening_words
        opening = b" ".join(words[:most]).decode("utf-8", "replace")
        begin = b" ".join(_words(asked)[:most]).decode("utf-8", "replace")
        return _Exchange(1, opening, begin, array("I", map(zlib.crc32, words)).tobytes(), prompt)


def _words(text: bytes) -> list[bytes]:
    if text.isascii():
        return text.translate(_PLAIN).split()
    # What is cut off in the middle of a character loses it.
    return [word.encode() for word in _WORD.findall(text.decode("utf-8", "ignore").lower())]


def _smallest(sample: Mapping[int, _Exchange]) -> dict[int, _Exchange]:
    """The exchanges of the smallest keys, in their order."""
    return {key: sample[key] for key in heapq.nsmallest(SAMPLE, sample)}


def _counted(kept: Any, name: str) -> Counter[str]:
    out: Counter[str] = Counter()
    for one in kept:
        out[getattr(one, name)] += one.times
    return out


def _distinct(kept: Any) -> float:
    """The share of different pairs of words among all pairs; 1 if there is none."""
    different: set[tuple[int, int]] = set()
    total = 0
    for one in kept:
        words = array("I", one.words)
        total += one.times * max(0, len(words) - 1)
        different.update(pairwise(words))
    return len(different) / total if total else 1.0
