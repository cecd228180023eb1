"""TXT012 very-short-answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from math import log2
from typing import ClassVar, Final

import numpy as np
from pydantic import Field

from dsprep.folds.suspects import Suspects, SuspectsRule, suspects
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Columns, Rows, RuleMeta, RuleOptions
from dsprep.text.sensitive.showing import beginning
from dsprep.text.turn_bytes import TURN_BYTES

#: Lengths are counted by the logarithm to base 2 of their bytes, in so many steps to each doubling.
_STEPS: Final = 8
#: A smaller data set has no length that is usual.
_FEWEST: Final = 20
#: The median absolute deviation of a normal distribution is its standard deviation divided by this.
_NORMAL: Final = 1.4826
#: However alike the lengths are, half of the usual length, or a quarter, is not far outside.
_LEAST_DEVIATION: Final = 0.75
_EXCERPT: Final = 80

#: Answers by which another rule (TXT007) knows that nothing was filled in.
_PLACEHOLDERS: Final = frozenset(
    {"n/a", "na", "none", "null", "nan", "nil", "tbd", "todo", "undefined", "-", "unknown"}
)
_YES_OR_NO: Final = re.compile(
    r"\W*(?:yes|no|true|false|correct|incorrect|right|wrong|valid|invalid|sí|si|ja|nein|oui|non|sim|não|nee|tak|nie|да"
    r"|нет|ano|ne|evet|hayır|是|不是|否|对|不对|はい|いいえ|예|네|아니요|نعم|لا|بله|خیر|हाँ|नहीं|vâng|không|ya|tidak)\b",
    re.IGNORECASE,
)
_FEW: Final = (
    r"\b(?:one|single|two|three|1|2|3|few) ?-?(?:words?|sentences?|numbers?|characters?|letters?|lines?|phrases?)\b"
    r"|\b(?:yes or no|true or false|yes/no|briefly|in brief|short(?:ly)?|concise\w*|only|just|tl;?dr|one-word)\b"
)
_FEW_WORDS: Final = re.compile(_FEW, re.IGNORECASE)
#: Who asks like that does not, unless only a few words are asked for.
_ASKS_FOR_MUCH: Final = re.compile(
    r"\W*(?:please,? |can you |could you |would you )?(?:explain|describe|discuss|elaborate|compare|why\b"
    r"|how (?:do|does|did|can|could|should|would|to)\b|tell me (?:about|how|why|more)"
    r"|what are (?:some|the (?:main|key))\b|give me (?:some )?(?:tips|ideas|advice|reasons|suggestions))",
    re.IGNORECASE,
)
#: An answer of more characters that stands in the question may have been picked out of it.
_PICKED: Final = 3
#: Who asks like that wants a word, a name, a number or a yes. Looked for in the last question alone.
_ASKS_FOR_LITTLE: Final = re.compile(
    _FEW
    + r"|\b(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|am|isn't|aren't|don't)"
    r" (?:i|you|he|she|it|we|they|there|this|that|these|those|the|a|an|my|your|all|any|[A-Z]\w+)\b[^\n]{0,300}\?"
    r"|\b(?:who|whom|whose|when|where|which)\b|\bhow (?:many|much|old|long|tall|far|often|big|large|high|deep|fast"
    r"|hot|heavy|wide)\b"
    r"|\bwhat (?:is|was|are|were|'s) (?:the|a|an|its|his|her|your|my)? ?"
    r"(?!(?:difference|best way|purpose|reason|steps?|benefits?|advantages?)\b)[\w' -]{1,80}\?"
    r"|\bwhat (?:year|day|time|month|date|colou?r|number|kind|type|name|word|language|country|city|size|part of speech"
    r"|percent\w*|score|age)\b|\bname (?:the|a|an|one|of)\b"
    r"|\b(?:classif\w+|categor\w+|labels?|choose|select|pick|options?|multiple.choice|blank|translat\w+|synonyms?"
    r"|antonyms?|convert\w*|calculat\w+|comput\w+|solve|round|evaluat\w+|spell\w*|rewrite|rephrase|correct|edit"
    r"|sentiment|detect|identif\w+|extract\w*|determine|outputs?|returns?|acronym|abbreviat\w+|rhym\w+|titles?"
    r"|slogans?|hashtags?|tags?|keywords?|passwords?|usernames?|regex\w*|expressions?|commands?|quer(?:y|ies)"
    r"|revers\w+|sort|parse|unscrambl\w+|fill|combine|simplif\w+|shorten\w*|replace|remove|add|find|guess|riddle"
    r"|decide|true or false|yes or no|yes/no|only|briefly|brief|short|concise\w*|tl;?dr|repeat|say|reply|respond|print"
    r"|code|function|score|rate|rating|emojis?|opposite|plural|singular|tense|capital|predict|complete|continue"
    r"|finish)\b"
    r"|[=_]{2,}|\d\s*[-+*/×÷^%]\s*\d|？|[^A-Za-z]\?",
    re.IGNORECASE,
)
_NO_WORDS: Final = re.compile(r"[{}\[\]<>=`\\$|]|\w\(|\d")
_SMALL_TALK: Final = 60


class VeryShortAnswerOptions(RuleOptions):
    max_bytes: int = Field(24, ge=1, le=200, description="an answer of more bytes of UTF-8 is never reported")
    max_share: float = Field(
        0.02, gt=0, lt=1, description="nothing is reported if more than this share of the answers are that short"
    )
    deviations: float = Field(
        3.5, gt=0, description="how many deviations below the median of the logarithms of the lengths an answer must be"
    )


class VeryShortAnswer(SuspectsRule):
    """An answer is very much shorter than the others.

    ## What it does
    Compares the length of each conversation's last answer with those of all others: of the logarithms of the lengths it
    takes the median and the median absolute deviation, which the outliers themselves do not move. An answer is
    reported if it is at least 3.5 deviations (`deviations`) below the median, has at most 24 bytes (`max_bytes`), and
    if at most 2 % (`max_share`) of the answers are that short: otherwise they belong to the data, as labels do.

    Answers to questions that ask for little are left out: whether something is so, who, when, how many, a word, a
    title, a translation, a choice. So are answers that stand in the question, numbers, code and formulas, replies to
    small talk, and what placeholder-text (TXT007) reports.

    ## Why it matters
    Such answers are what is left of a longer one, clicks by mistake, or refusals to do the work. They teach the model
    to do the same.

    ## Example
    `Explain how a heat pump works.` answered by `ok`, where half of the answers have more than 1,400 bytes.

    ## Fix
    None: complete the answer, or take the example out.

    ## Source
    Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993 (3.5 deviations, by the median absolute deviation).
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TXT012",
        name="very-short-answer",
        severity=Severity.INFO,
        message="an answer of {bytes} bytes, where about {median:,} are usual",
        summary="answers much shorter than the rest, labels excepted",
    )
    Options = VeryShortAnswerOptions

    def map(self, batch: Batch) -> Suspects:
        joined = batch.get(TURN_BYTES)
        answers = _last_answers(batch)
        ends = np.append(joined.starts[1:], len(joined.data)) - 1
        sizes = (ends - joined.starts)[list(answers.values())]
        steps, times = np.unique(np.rint(_STEPS * np.log2(sizes + 1)).astype(np.int64), return_counts=True)
        short = sizes <= self.options.max_bytes
        columns: Columns = {"row": batch.keys[np.array(list(answers), np.int64)[short]]}
        return suspects(dict(zip(steps.tolist(), times.tolist(), strict=True)), columns)

    def finish(self, state: Suspects, rows: Rows) -> Iterator[Finding]:
        columns = state.columns(rows)
        counts = state.counts
        everything = counts.total()
        if not columns or everything < _FEWEST or len(columns["row"]) > self.options.max_share * everything:
            return
        median = _median(counts)
        away = Counter[int]()
        for step, times in counts.items():
            away[abs(step - median)] += times
        deviation = max(_NORMAL * _median(away) / _STEPS, _LEAST_DEVIATION)
        limit = median / _STEPS - self.options.deviations * deviation
        usual = round(2 ** (median / _STEPS) - 1)
        for batch in rows.batches(columns["row"]):
            turns = batch.turns
            asks = Counter(row for row, role in zip(turns.row, turns.role, strict=True) if role == "user")
            for row, turn in _last_answers(batch).items():
                text = turns.text[turn]
                size = len(text.encode("utf-8", "surrogatepass"))
                asked = _question(batch, turn)
                if log2(size + 1) <= limit and not _is_enough(asked, text, first=asks[row] < 2):
                    args = {"bytes": size, "median": usual, "excerpt": beginning(text, _EXCERPT)}
                    yield self.at(batch, row, turns.pointer(turn), args=args)


def _last_answers(batch: Batch) -> dict[int, int]:
    """The last text of the assistant in each example that has one with anything in it: index of the example to that of
    the text in `batch.turns`."""
    turns = batch.turns
    return {
        row: turn
        for turn, (row, role) in enumerate(zip(turns.row, turns.role, strict=True))
        if role == "assistant" and turns.text[turn] and not turns.text[turn].isspace()
    }


def _question(batch: Batch, answer: int) -> str:
    """The user's last text before the answer, of the same example; an empty string if there is none."""
    turns = batch.turns
    for turn in range(answer - 1, -1, -1):
        if turns.row[turn] != turns.row[answer]:
            break
        if turns.role[turn] == "user":
            return turns.text[turn]
    return ""


def _median(counts: Counter[int]) -> int:
    """The median of what is counted, the lower one of two."""
    half = (counts.total() + 1) // 2
    for value in sorted(counts):
        half -= counts[value]
        if half <= 0:
            return value
    return 0


def _is_enough(question: str, answer: str, *, first: bool) -> bool:
    """Whether `answer` may be all that there is to say; `first` if nothing was asked before."""
    said = answer.strip()
    bare = said.strip(".!\"'")
    if len(bare) > _PICKED and re.search(rf"(?<!\w){re.escape(bare)}(?!\w)", question, re.IGNORECASE):
        return True  # picked out of what was asked, or said as told
    if said.lower().rstrip(".") in _PLACEHOLDERS or _NO_WORDS.search(said):
        return True
    if not first and len(question) <= _SMALL_TALK and "?" not in question:
        return True
    if _YES_OR_NO.match(said) and "?" in question:
        return True
    # A long text to work on may hold any word; what is asked stands before it or behind it.
    head, tail = question[:300], question[-200:]
    little = _FEW_WORDS if _ASKS_FOR_MUCH.match(head) else _ASKS_FOR_LITTLE
    return little.search(head) is not None or little.search(tail) is not None
