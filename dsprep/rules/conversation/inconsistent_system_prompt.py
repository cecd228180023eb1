"""CNV008 inconsistent-system-prompt."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, ClassVar, Final

import numpy as np
from pydantic import Field

from dsprep.folds.system_prompts import Presence, Seen, SystemPromptsRule, SystemPromptState, prompt_text
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import Rows, RuleMeta, RuleOptions
from dsprep.text.sensitive.showing import part

#: Of fewer examples than this, a few with or without a prompt are no small part.
_FEWEST: Final = 20
#: A prompt that hardly any two examples share is written for its example, and so is leaving it out.
_SHARED: Final = 0.5
#: More prompts than this, once case and the like are folded, are different on purpose, and so are their wordings.
_FEW_PROMPTS: Final = 40
#: Prompts of fewer words say different things if one word differs; longer ones are compared as far as this.
_FEWEST_WORDS, _MOST_WORDS = 4, 2_000
#: So many words may be put in, left out or be others.
_CHANGED_WORDS: Final = 2
#: The words that differ stand within so many of each other.
_APART: Final = 60
#: A wording that is meant is not much rarer than the commonest one.
_RARE: Final = 0.2
#: If so many wordings differ in the same place of the commonest, it is a blank to be filled in.
_FILLINGS: Final = 3
#: Two words as like as this are one, misspelt.
_MISSPELT: Final = 0.75
_EXCERPT, _BEFORE = 80, 24

_SIGNS: Final = re.compile(r"[^\w+#%&$€£=<>]|_")
_WORD: Final = re.compile(r"\S+")


class InconsistentSystemPromptOptions(RuleOptions):
    max_share: float = Field(
        0.1,
        gt=0,
        lt=0.5,
        description="examples with (or without) a system prompt are reported if they are at most this share of all",
    )


@dataclass(slots=True)
class _Prompt:
    """A prompt as folded: how many examples have it in any spelling, and its spellings, commonest first."""

    folded: str
    spellings: list[tuple[int, Seen, str]] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(count for count, _, _ in self.spellings)

    @property
    def text(self) -> str:
        return self.spellings[0][2]


class InconsistentSystemPrompt(SystemPromptsRule):
    """The examples' system prompts differ where they seem to be meant to be the same.

    ## What it does
    Looks at two things, over the data as a whole.

    - *Wordings.* System prompts that differ in case, white space or punctuation alone are one prompt. So are those that
      differ from a much commoner one (five times as common at least) in one or two words: put in, left out, misspelt
      or replaced. Numbers and names may differ, and so may what stands in a place where three wordings or more differ:
      such places are there to be filled in. With more than 40 different prompts only case, white space and punctuation
      are compared. There is one finding for each prompt, with the first places of its other wordings.
    - *Presence.* Some examples have a system prompt and at most 10 % (`max_share`) have none, or the other way round.
      Mixtures nearer to half and half are taken to be deliberate, and so is leaving it out where every example has a
      prompt of its own. Data of fewer than 20 examples are not judged.

    ## Why it matters
    The model is to behave in one way under one prompt. If the prompt wavers, it learns that its wording does not
    matter, or that it matters where it should not; and the prompt that will be used is then seen less often than you
    think. Examples without it are often those of another source.

    ## Example
    940 examples with `You are a helpful assistant.`, 31 with `You are a helpful assistant`, 12 without.

    ## Fix
    None: which wording will be used is for you to say.

    ## Source
    OpenAI, fine-tuning guide, "Crafting prompts": the instructions that will be used, in every training example. The
    limits are dsprep's own.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="CNV008",
        name="inconsistent-system-prompt",
        severity=Severity.WARNING,
        message="{count:,} of {all:,} examples have {what}",
        summary="system prompts that differ slightly, or are missing from some examples only",
    )
    Options = InconsistentSystemPromptOptions

    def finish(self, state: SystemPromptState, rows: Rows) -> Iterator[Finding]:
        found = [*self._presence(state), *self._wordings(state, rows)]
        yield from sorted(found, key=lambda finding: finding.order)

    def _presence(self, state: SystemPromptState) -> Iterator[Finding]:
        everything = state.having.count + state.lacking.count
        rare, what = state.lacking, "no system prompt, unlike the others"
        if state.having.count < state.lacking.count:
            rare, what = state.having, "a system prompt, unlike the others"
        elif max((count for count, _ in state.prompts.values()), default=0) < _SHARED * state.having.count:
            return
        if everything < _FEWEST or not 0 < rare.count <= self.options.max_share * everything:
            return
        yield self._said(rare, {"what": what, "all": everything, "kind": "presence"})

    def _said(self, rare: Presence, args: dict[str, Any]) -> Finding:
        (key, place), *others = rare.first
        return self.finding(
            place,
            key=key,
            args={"count": rare.count, **args},
            related=[other for _, other in others],
            rows=rare.count,
        )

    def _wordings(self, state: SystemPromptState, rows: Rows) -> Iterator[Finding]:
        if len(state.prompts) < 2:
            return
        prompts = _read(state, rows)
        owner = _owners(prompts) if len(prompts) <= _FEW_PROMPTS else list(range(len(prompts)))
        for number, prompt in enumerate(prompts):
            members = [other for other, whose in zip(prompts, owner, strict=True) if whose == number]
            same = [(*spelling, other is not prompt) for other in members for spelling in other.spellings]
            if len(same) < 2:
                continue
            common, *rest = same
            rest.sort(key=lambda spelling: spelling[1][0])
            count = sum(n for n, *_ in rest)
            how = [
                part
                for part, there in (
                    ("in case, white space or punctuation", any(not worded for *_, worded in rest)),
                    ("by a word or two", any(worded for *_, worded in rest)),
                )
                if there
            ]
            what = f"a system prompt that differs {' or '.join(how)} from the commonest wording"
            (_, (key, place), text, _), *others = rest
            yield self.finding(
                place,
                key=key,
                args={
                    "count": count,
                    "all": count + common[0],
                    "what": what,
                    "kind": "wording",
                    "wordings": len(same),
                    "excerpt": _difference(common[2], text),
                },
                related=[common[1][1], *(seen[1] for _, seen, _, _ in others[:10])],
                rows=count,
            )


def _read(state: SystemPromptState, rows: Rows) -> list[_Prompt]:
    """The prompts of `state`, read again from the first example of each; commonest first."""
    first = {seen[0]: (count, seen) for count, seen in state.prompts.values()}
    folded: dict[str, _Prompt] = {}
    for batch in rows.batches(np.array(sorted(first), np.uint64)):
        for i, example in enumerate(batch.examples):
            text = prompt_text(example.messages[0]) if example is not None and example.messages else None
            if text is not None:
                form = _folded(text)
                folded.setdefault(form, _Prompt(form)).spellings.append((*first[batch.key(i)], text))
    for prompt in folded.values():
        prompt.spellings.sort(key=lambda spelling: (-spelling[0], spelling[1][0]))
    return sorted(folded.values(), key=lambda prompt: (-prompt.count, prompt.spellings[0][1][0]))


def _folded(text: str) -> str:
    """`text` without case, white space and punctuation. Where nothing is left, nothing is folded."""
    return _SIGNS.sub("", unicodedata.normalize("NFKC", text).casefold()) or text


def _owners(prompts: Sequence[_Prompt]) -> list[int]:
    """For each prompt the number of the commonest one that it is a slip of; its own number if it is of none.

    `prompts` come commonest first."""
    owner = list(range(len(prompts)))
    words = [_WORD.findall(prompt.text)[: _MOST_WORDS + 1] for prompt in prompts]
    forms = [[_folded(word) for word in some] for some in words]
    for number, prompt in enumerate(prompts):
        if owner[number] != number or not _FEWEST_WORDS <= len(words[number]) <= _MOST_WORDS:
            continue
        slips: list[tuple[int, Counter[int]]] = []
        for other in range(number + 1, len(prompts)):
            if owner[other] == other and prompts[other].count <= _RARE * prompt.count:
                places = _slip(forms[number], forms[other], words[number], words[other])
                if places is not None:
                    slips.append((other, Counter(places)))
        filled = Counter(chain.from_iterable(places for _, places in slips))
        for other, counted in slips:
            if not any(filled[place] >= _FILLINGS for place in counted):
                owner[other] = number
    return owner


def _slip(
    common: Sequence[str], rare: Sequence[str], as_written: Sequence[str], rarely: Sequence[str]
) -> set[int] | None:
    """The places (indexes of words) in `common` where `rare` has other words, or None if it is no slip of it. Both are
    given as folded, and as written."""
    if abs(len(common) - len(rare)) > _CHANGED_WORDS:
        return None
    # What is the same before and behind need not be compared word by word with everything.
    least = min(len(common), len(rare))
    same = next((i for i in range(least) if common[i] != rare[i]), least)
    end = next((i for i in range(least - same) if common[-1 - i] != rare[-1 - i]), least - same)
    middle, other = common[same : len(common) - end], rare[same : len(rare) - end]
    if max(len(middle), len(other)) > _APART:
        return None
    places: set[int] = set()
    changed = 0
    for kind, *edges in difflib.SequenceMatcher(None, middle, other, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        a, b, c, d = (edge + same for edge in edges)
        changed += max(b - a, d - c)
        if changed > _CHANGED_WORDS:
            return None
        old, new = "".join(common[a:b]), "".join(rare[c:d])
        if any(char.isdigit() for char in old + new):
            return None
        misspelt = bool(old and new) and difflib.SequenceMatcher(None, old, new, autojunk=False).ratio() >= _MISSPELT
        if misspelt:
            continue
        if _names(as_written[a:b], a) or _names(rarely[c:d], c):
            return None
        places.update(range(a, max(b, a + 1)))
    # One word in four is no slip.
    return places if changed * 4 <= len(common) else None


def _names(words: Sequence[str], place: int) -> bool:
    """Whether one of `words`, which begin at that place of a text, is written as a name is."""
    return any(word.strip("\"'(*[")[:1].isupper() and number > 0 for number, word in enumerate(words, place))


def _difference(common: str, rare: str) -> str:
    """The part of `rare` where it begins to differ from `common`."""
    same = next((i for i, (a, b) in enumerate(zip(common, rare, strict=False)) if a != b), min(len(common), len(rare)))
    begin = max(0, same - _BEFORE) if len(rare) > _EXCERPT else 0
    return part(rare, begin, begin + _EXCERPT)
