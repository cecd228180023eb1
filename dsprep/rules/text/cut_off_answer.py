"""TXT006 cut-off-answer."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from enum import IntEnum
from itertools import islice
from typing import Any, ClassVar, Final

import numpy as np
from pydantic import Field

from dsprep.folds.suspects import Suspects, SuspectsRule, suspects
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Columns, Rows, RuleMeta, RuleOptions
from dsprep.text.code_spans import fenced_blocks
from dsprep.text.scripts import UNSPACED, script_of
from dsprep.text.sensitive.showing import part

#: Shorter answers (characters; of Chinese and the like) are labels, names and the like.
_SHORTEST, _SHORTEST_UNSPACED = 25, 10
#: Of a longer answer only the end is looked at.
_TAIL: Final = 2_000
#: Thai and Lao end sentences with a space, if at all.
_NO_FULL_STOP: Final = frozenset({"thai", "lao"})

#: What a sentence ends with, in any script; closing quotes, brackets and Markdown may stand behind it.
_STOPS: Final = ".!?…。！？．｡؟۔।॥၊။។៕։‽⸮༎჻።፧᙮꓿"
_CLOSERS: Final = "\"'”’»›」』】）)]}］〉》*_~`"
_OPENERS: Final = "([{（「『【〈《“„«‹¿¡"
_UNFINISHED: Final = ",:，、；：،؛-–—&+"

#: Words that no sentence ends with, as they stand inside one (`a` is an article, `A` a mark).
_NEVER_LAST_WORDS: Final = (
    "the a an and or but nor because although whereas of with from than into their our your its my whose "
    "der die das den dem des ein eine einen einem einer eines und oder aber sondern weil dass ob sehr vom zum zur im "
    "le la les un une des du et ou mais parce que dont dans avec pour sans sur chez aux "
    "el los las unos unas y e o u pero porque del al con para por sin sobre entre hacia "
    "il lo gli uno della dello degli delle nella nel sul sulla ed oppure perché che di da per tra fra "
    "os as um uma uns umas mas com para pelo pela dos das nos nas ao aos "
    "de het een en of maar omdat dat met voor naar van bij tussen "
    "i oraz ale lub ponieważ że w z na do od dla przez przy "
    "och eller men att som med från ett av eller og av et af til fra "
    "ve veya ama için ile bir dan atau tetapi karena yang untuk dengan dari "
    "và hoặc nhưng của với cho "
    "и а но или что чтобы который которая которые в во на с со к о об из от для по при между у не ни і та але або що "
    "και ή αλλά του της των στο στη στην με για από ο η το οι τα να "
    "של את עם על או כי אם "
    "و في من على إلى أن التي الذي عن مع أو به که از در با برای را این یک "
    "और का की के में से को पर या कि "
)
_NEVER_LAST: Final = frozenset(_NEVER_LAST_WORDS.split())
#: These do end a question, a heading or an item of a list now and then, so more must stand before them.
_SELDOM_LAST_WORDS: Final = (
    "to in on for by at as if when while that which who where is are was were be been has have had will would can could"
    " should may might must this these very such he she they we it's i'm between through during about"
)
_SELDOM_LAST: Final = frozenset(_SELDOM_LAST_WORDS.split())
_NEVER_LAST_UNSPACED: Final = frozenset("をはがにでとのもへや和与與在及或将將把被")
#: What a Japanese or Korean sentence ends with, so that people often leave out the full stop.
_COMPLETE: Final = re.compile(r"(?:[たすだいねよかるうんせくぬつむぐぶえれけめべ]|[다요까죠음함됨임니])\Z")
#: Words before a letter that is a name: `option a`, `vitamin a`, `the word the`.
_NAMING_WORDS: Final = (
    "option answer letter type vitamin hepatitis choice word words article articles letters part case point set vector "
    "variable plan grade group class called named is:"
)
_NAMING: Final = frozenset(_NAMING_WORDS.split())
_ABBREVIATED: Final = (
    "dr mr mrs ms prof st no vs etc eg ie inc ltd co corp jr sr vol fig approx ca bzw usw z.b d.h e.g i.e u.s u.k a.m "
    "p.m al cf dept est min max nr str sig sra ud av mt ft gen sen rep gov capt lt col sgt rev hon pp p ch sec"
)
_ABBREVIATIONS: Final = frozenset(_ABBREVIATED.split())

_ITEM: Final = re.compile(r"[ \t]*(?:[-*+•·▪–—]|\(?\d{1,3}[.):]|\(?[A-Za-z][.)]|[ivx]{1,4}[.)])[ \t]+")
_NO_PROSE: Final = re.compile(r"[ \t]*(?:[#|>$\\]|//|--|/\*|```|~~~|https?:|www\.|\d+[ \t]*[|,]|\*\*[^*]*\*\*:?$)")
_NOT_IN_PROSE: Final = re.compile(
    r"[{}<>=|\\`^~@#]|https?:|www\.|\w\(\)|\w_\w|\)\.\w|://|\s[*+/=%]\s|\s\*\*\s?\w|\breturn\s|\w\[|\s//|\d\s-\s\d"
)
#: So much of the end of a line must be prose.
_NEAR: Final = 120
_SENTENCE_END: Final = re.compile(
    r"([^\s.!?…]{1,40})[.!?…]{1,10}[\"'”’»)\]*_]{0,6}\s{1,10}(?=[\"'“‘«(\[*_¿¡]{0,6}[^\W\d_])"
)
#: How a letter or a message ends: `Best of luck! - Harry`, `With hope, your friend`, a row of numbers.
_SIGNED: Final = re.compile(r"(?:[,–—-] ?(?:[Yy]our \w|[A-Z])[\w.' ]{0,30}|\d+ \d+)\Z")
_SIGNED_WORDS: Final = 10
_WIDE_END: Final = re.compile(r"[。！？．｡।॥။។۔؟]")
_WORD: Final = re.compile(r"\S+")
#: `Topic: the funding of schools` is a field with its value.
_FIELD: Final = re.compile(r"\W{0,8}(?:[^\s:：]{1,40} ){0,4}[^\s:：]{1,40}[:：]\*{0,2}\s")
_CLOSING: Final = 5
_EXCERPT: Final = 80


class _Kind(IntEnum):
    """Why an answer seems to be cut off; the first four are counted against those that end as they should."""

    WORD = 1
    MARK = 2
    SENTENCE = 3
    LINE = 4
    #: A single sentence without a full stop: that is a matter of taste, unless hardly anybody has it.
    SINGLE = 5


#: What is counted besides the kinds: answers that end in a full stop.
_PROPER: Final = 0
#: A single sentence counts for one that is cut off only if no more than this share of the answers are such.
_RARE_SINGLE: Final = 0.03


class CutOffAnswerOptions(RuleOptions):
    min_share: float = Field(
        0.8,
        gt=0,
        le=1,
        description="nothing is reported unless this share of the comparable answers ends as a sentence does",
    )


class CutOffAnswer(SuspectsRule):
    """An answer stops in the middle of a sentence, while the others do not.

    ## What it does
    Looks at how each assistant's text ends. One is suspected if its last line is prose and

    - ends with a word that no sentence ends with: `and`, `the`, `because`, and their like in some thirty languages;
    - ends with a comma, a colon, a hyphen or an opening bracket;
    - has sentences that end with a full stop, question or exclamation mark, while the last one just stops;
    - is the only paragraph, or the only item of its list, that does not end as the others do;
    - is the answer's only sentence, and hardly any other answer (3 %) lacks the full stop.

    Suspects are reported if at least 80 % (`min_share`) of the answers that can be compared end as sentences do, in
    whatever script: where nobody writes full stops, their absence says nothing. Short answers, code, headings, tables,
    formulas, addresses, hashtags, signatures, and Thai and Lao, which have no full stop, are never suspected.

    ## Why it matters
    Answers made by a model with a limit on tokens stop wherever the limit was. A model that is trained on them learns
    to stop in the middle of a sentence.

    ## Example
    `… She has had her clothes featured in several magazines and`

    ## Fix
    None: the rest is not there. Make the answer again, or take the example out.

    ## Source
    OpenAI API reference, `finish_reason: length`. The marks are those with Unicode's property Sentence_Terminal.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TXT006",
        name="cut-off-answer",
        severity=Severity.INFO,
        message="the answer {how}",
        summary="the answer stops in the middle of a sentence, while its peers do not",
    )
    Options = CutOffAnswerOptions

    def map(self, batch: Batch) -> Suspects:
        counts: Counter[int] = Counter()
        found: list[tuple[int, int]] = []
        for turn, kind in _judged(batch):
            counts[kind] += 1
            if kind != _PROPER:
                found.append((batch.turns.row[turn], kind))
        columns: Columns = {
            "row": batch.keys[[row for row, _ in found]],
            "kind": np.array([kind for _, kind in found], np.uint8),
        }
        return suspects(counts, columns)

    def finish(self, state: Suspects, rows: Rows) -> Iterator[Finding]:
        columns = state.columns(rows)
        if not columns:
            return
        counts = state.counts
        cut = sum(counts[kind] for kind in _Kind if kind is not _Kind.SINGLE)
        single = counts[_Kind.SINGLE] <= _RARE_SINGLE * (counts[_PROPER] + cut + counts[_Kind.SINGLE])
        if counts[_PROPER] < self.options.min_share * (counts[_PROPER] + cut):
            return
        kinds = columns["kind"]
        keys = np.unique(columns["row"] if single else columns["row"][kinds != _Kind.SINGLE])
        # Texts are read again only for as many findings as can be listed.
        for batch in rows.batches(keys[: self.context.max_findings]):
            for turn, kind in _judged(batch):
                if kind != _PROPER and (single or kind != _Kind.SINGLE):
                    text = batch.turns.text[turn].rstrip()
                    args: dict[str, Any] = {"how": _said(text, _Kind(kind)), "kind": _Kind(kind).name.lower()}
                    args["excerpt"] = part(text, len(text) - _EXCERPT, len(text))
                    yield self.at(batch, batch.turns.row[turn], batch.turns.pointer(turn), args=args)
        for key in islice(keys.tolist(), self.context.max_findings, None):
            yield self.finding(rows.locate([key])[0], key=key, args={"how": "is cut off"})


def _judged(batch: Batch) -> Iterator[tuple[int, int]]:
    """The assistant's texts that can be compared: the index of each in `batch.turns`, and 0 if it ends as a sentence
    does, or else why it seems to be cut off."""
    turns = batch.turns
    for turn, role in enumerate(turns.role):
        if role != "assistant":
            continue
        text = turns.text[turn]
        if len(text) < _SHORTEST_UNSPACED:
            continue
        if text[-1] in _STOPS:
            yield turn, _PROPER
        else:
            kind = _ending(text)
            if kind is not None:
                yield turn, kind


def _ending(text: str) -> int | None:
    """0 for an answer that ends as a sentence does; a kind if it seems to be cut off; None if neither can be said."""
    tail = text[-_TAIL:].rstrip()
    if tail[tail.rfind("\n") + 1 :].startswith("#"):
        return None  # a heading, or the result of a sum
    bare = tail.rstrip(_CLOSERS)
    if not bare or len(tail) < _SHORTEST_UNSPACED:
        return None
    last = tail[-1]
    if bare[-1] in _STOPS:
        return _PROPER
    if last in _CLOSERS:
        return None
    mark = last in _UNFINISHED or last in _OPENERS
    if not (mark or last.isalnum() or unicodedata.category(last)[0] == "M"):
        return None
    script = next((script_of(char) for char in reversed(tail) if char.isalpha()), "")
    if not script or script in _NO_FULL_STOP or _is_in_block(text):
        return None
    lines = [line for line in tail.split("\n") if line.strip()]
    return _line_ending(lines, script, mark=mark)


def _line_ending(lines: list[str], script: str, *, mark: bool) -> int | None:
    line = lines[-1]
    if _NO_PROSE.match(line):
        return None
    rest = None if script in UNSPACED else _after_last_end(line)
    if _NOT_IN_PROSE.search((rest or line)[-_NEAR:]) or (rest is None and _is_code(lines)):
        return None
    if script in UNSPACED:
        return _unspaced_ending(lines, mark=mark)
    item = _ITEM.match(line)
    words = _WORD.findall(line[item.end() :] if item else line)
    if len(words) < _CLOSING or sum(map(len, words)) < _SHORTEST // 2:
        return None
    if mark:
        return None if line.endswith(("+", "&")) and not item else _Kind.MARK
    if _stops_short(words, item=item is not None):
        return _Kind.WORD
    if script == "hangul" and _COMPLETE.search(line):
        return None
    others = [other for other in lines[:-1] if bool(_ITEM.match(other)) == bool(item) and not _NO_PROSE.match(other)]
    alike = all(map(_ends, others))
    if rest is not None:
        # Items may be titles of a question and a phrase.
        title = item is not None and not alike and line[: -len(rest)].rstrip().endswith("?")
        signed = len(rest.split()) <= _SIGNED_WORDS and _SIGNED.search(rest)
        begun = _is_begun(rest) or sum(word[:1].islower() for word in rest.split()) > 1
        return _Kind.SENTENCE if begun and not title and not signed else None
    if len(words) <= _CLOSING or line[-1].isdigit() or _FIELD.match(line) or not (item or _is_begun(line)):
        return None
    if len(lines) == 1:
        return _Kind.SINGLE if len(words) > _CLOSING + 2 else None
    return _Kind.LINE if alike and len(others) > bool(item) else None


def _unspaced_ending(lines: list[str], *, mark: bool) -> int | None:
    line = lines[-1].strip()
    if len(line) < _SHORTEST_UNSPACED or _ITEM.match(line):
        return None
    if mark:
        return _Kind.MARK
    if _COMPLETE.search(line) or line[-1].isdigit():
        return None
    ends = [match.end() for match in _WIDE_END.finditer(line)]
    if ends:
        return _Kind.SENTENCE if len(line) - ends[-1] > 1 else None
    if line[-1] in _NEVER_LAST_UNSPACED:
        return _Kind.WORD
    if len(lines) > 1:
        return _Kind.LINE if all(map(_ends, lines[:-1])) else None
    return _Kind.SINGLE


def _is_in_block(text: str) -> bool:
    """Whether `text` ends inside of a block of code."""
    if "```" not in text and "~~~" not in text:
        return False
    blocks = fenced_blocks(text)
    return bool(blocks) and blocks[-1][1] >= len(text.rstrip())


def _is_code(lines: list[str]) -> bool:
    """Whether the last lines look like code."""
    last = [line for line in lines[-6:] if not _ITEM.match(line)]
    return sum(line[0] in " \t" or line.rstrip().endswith(("{", "}", ";", "(", "()", "):")) for line in last) >= 2


def _stops_short(words: list[str], *, item: bool) -> bool:
    """Whether the last word is one that no sentence ends with."""
    last, before = words[-1], words[-2].lower()
    if before.rstrip("\"'”’:") in _NAMING or before[-1:] in ",;:/":
        return False
    return last in _NEVER_LAST or (last in _SELDOM_LAST and not item and len(words) > _CLOSING + 2)


def _after_last_end(line: str) -> str | None:
    """What follows the last sentence that ends inside `line`; None if none does."""
    end = None
    for match in _SENTENCE_END.finditer(line):
        word = match[1].strip(_CLOSERS + _OPENERS).lower()
        if (
            word not in _ABBREVIATIONS
            and len(word) > (2 if word.isdigit() else 1)
            and " " in line[: match.start()].strip()
        ):
            end = match.end()
    if end is None:
        wide = [match.end() for match in _WIDE_END.finditer(line)]
        end = wide[-1] if wide else None
    return None if end is None else line[end:]


def _is_begun(text: str) -> bool:
    """Whether `text` may be the beginning of a sentence, rather than a name, a heading or an enumeration."""
    words: list[str] = _WORD.findall(text)
    if not words:
        return False
    if len(words) == 1:
        # An article is a sentence begun; a name may be a signature.
        return words[0].lower() in _NEVER_LAST or words[0].islower()
    cased = [word for word in words[1:] if word[:1].isalpha() and word.lower() != word.upper()]
    if not cased:
        # A script without capitals: a word or two may be a heading.
        return len(words) > 2 and not any(word[:1].isascii() for word in words)
    small = sum(word[:1].islower() for word in cased)
    return 2 * small > len(cased)


def _ends(line: str) -> bool:
    """Whether a line ends as a sentence does, or with a colon that announces the next."""
    bare = line.rstrip().rstrip(_CLOSERS)
    return not bare or bare[-1] in _STOPS or bare[-1] in ":："


def _said(text: str, kind: _Kind) -> str:
    if kind is _Kind.MARK:
        return f"ends with “{text[-1]}”"
    if kind is _Kind.WORD:
        last = text.split()[-1]
        return f"ends with the word “{last}”" if len(last) <= 20 else "ends with a particle"
    if kind is _Kind.SINGLE:
        return "is a sentence without an end, unlike the others"
    return "stops in the middle of a sentence"
