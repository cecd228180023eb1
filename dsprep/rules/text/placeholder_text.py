"""TXT007 placeholder-text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Final

from pydantic import Field

from dsprep.folds.labels import LabelFold, LabelState, label_table
from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity, Tally
from dsprep.model.moving import Shift
from dsprep.model.rule import FoldRule, Rows, RuleMeta, RuleOptions
from dsprep.text.code_spans import has_code_lines
from dsprep.text.labels import answer_place, folded_label
from dsprep.text.message_texts import asked, message_texts
from dsprep.text.placeholders import ANYWHERE, LONGEST, Placeholder, placeholders, stands_for_nothing
from dsprep.text.sensitive.showing import part
from dsprep.text.turn_bytes import TURN_BYTES
from dsprep.text.turn_search import turns_matching

_EXCERPT: Final = 80
#: The request stands at the beginning of a prompt, or at its end.
_REQUEST: Final = 240
_BEFORE: Final = 24

#: Whoever asks for such a text is to get the form of it.
_DOCUMENT: Final = re.compile(
    r"(?:^|[.!?:]\s+|\b(?:can|could|would|will) you (?:please )?|\bhelp me (?:to )?|\bplease |\bi(?: need"
    r"|['’]d like| want)(?: you)? to |\byou to )"
    r"(?:help me )?(?:writ\w*|draft\w*|compos\w+|creat\w+|generat\w+|prepar\w+|design\w*|fill|complet\w+"
    r"|re-?writ\w+|edit\w*|rephras\w+"
    r"|translat\w+|proofread\w*|improv\w+|make (?:me )?(?:an? )?(?:\w+ ){0,2}(?:list|plan|table|script|template)"
    r"|give me|provide|develop|tell)\b"
    r"|\b(?:letters? (?:to|of|for|from)|cover letters?|e-?mails?|templates?|resum(?:e|é)s?|cvs?|invitations?"
    r"|contracts?|agreements?|memos?|speech(?:es)?"
    r"|scripts?|apolog\w+|proposals?|press releases?|announcements?|job (?:descriptions?|ads?|post\w*|listings?)"
    r"|bios?|profiles?|repl(?:y|ies) to|tweets? about|ad copy|advertisements?|obituary"
    r"|eulogy|placeholders?|brackets?|blanks|examples? of|sample|titles?|headlines?|keywords?|ideas|seo|marketing"
    r"|campaign|slogans?|role ?play"
    r"|act as|pretend|play the role|imagine|introduc\w+)\b",
    re.IGNORECASE | re.MULTILINE,
)
_ABOUT_TEMPLATES: Final = re.compile(
    r"\b(?:jinja\w*|mustache|handlebars|templat\w+|vue(?:\.?js)?|angular(?:\.?js)?|django|flask|liquid|ansible|helm"
    r"|twig|blade|laravel|svelte"
    r"|placeholders?|variables?|lorem|dummy text|filler text|sample text|format strings?|f-strings?"
    r"|string format\w*|latex|wiki(?:text|media)?"
    r"|html|css|react|web ?(?:page|site)|layout|typography|typesett\w+|cicero|prompts? for)\b",
    re.IGNORECASE,
)
_ABOUT_TODO: Final = re.compile(
    r"\b(?:todos?|to-?dos?|tasks?|comments?|code|program|script|function|fixme|tbd)\b", re.IGNORECASE
)
#: Questions to which these may be the answer.
_NONE_MAY_BE: Final = re.compile(
    r"\b(?:any|which|who(?:m|se)?|how (?:many|much)|identify|find|extract|lists?|detect|check|errors?|mistakes?"
    r"|nothing|return\w*|print\w*"
    r"|outputs?|values?|evaluat\w+|python|code|empty|missing|options?|choose|select)\b",
    re.IGNORECASE,
)
_NULL_MAY_BE: Final = re.compile(
    r"\b(?:what|which|why)\b[^?\n]{0,200}\b(?:print\w*|return\w*|output\w*|log\w*|evaluat\w+|values?|results?"
    r"|typeof|equals?)\b"
    r"|\b(?:evaluate|undefined|typeof|limit of|divid\w+ by (?:zero|0))\b|/ ?0\b",
    re.IGNORECASE,
)
_NOT_APPLICABLE_MAY_BE: Final = re.compile(
    r"\b(?:applicable|extract\w*|not (?:given|stated|mentioned|known|available|provided|found|present)"
    r"|leave (?:it )?(?:blank|empty)"
    r"|if (?:it is |they are |there (?:is|are) |the \w+ is )?(?:no|not|none|nothing|unknown|missing|unavailable"
    r"|absent))\b",
    re.IGNORECASE,
)
_MAY_BE: Final = {
    "none": _NONE_MAY_BE,
    "null": _NULL_MAY_BE,
    "nan": _NULL_MAY_BE,
    "undefined": _NULL_MAY_BE,
    "n/a": _NOT_APPLICABLE_MAY_BE,
    "not applicable": _NOT_APPLICABLE_MAY_BE,
    "not available": _NOT_APPLICABLE_MAY_BE,
    "-": _NOT_APPLICABLE_MAY_BE,
    "empty": _NULL_MAY_BE,
}
#: One line of a program is enough to take braces for its own.
_PROGRAM: Final = re.compile(r"\bf['\"]|\bprint\w*\(|\.format\(|console\.|=>|\bdef |;\n|\{\n|\breturn |\\\w+\{")
#: What an answer may hold if a letter, or the form of anything, was asked for.
_OF_FORMS: Final = ("form", "slot")
#: Only a program writes these; nobody calls a class so.
_NO_LABELS: Final = frozenset({"nan", "nat", "undefined", "[object object]", "<na>", "#n/a", "(null)"})
_VERBATIM: Final = ("tool", "function")


class PlaceholderTextOptions(RuleOptions):
    min_label_share: float = Field(
        0.02, ge=0, le=1, description="share of the short answers from which `N/A`, `none` and the like are a label"
    )
    allow: tuple[str, ...] = Field(
        (), description="placeholders not to report, such as `{{user}}`; case does not matter"
    )


@dataclass(slots=True)
class PlaceholderState:
    """What is found; by their text, answers that may be labels; and the labels."""

    found: Tally
    doubtful: dict[str, Tally] = field(default_factory=dict)
    labels: LabelState = field(default_factory=LabelState)


class PlaceholderText(FoldRule[PlaceholderState]):
    """A placeholder stands where a text should be.

    ## What it does
    Finds messages that are nothing but `null`, `NaN`, `undefined`, `N/A`, `TODO`, `lorem ipsum` and the like; and
    within texts lorem ipsum, `{{name}}`, `{question}`, `[insert article here]`, lines that begin with `TODO`, and, in
    answers, forms such as `[Your Name]`.

    If the answers are labels, `N/A` or `none` is one of them if at least 2 % of them (`min_label_share`) say so. Where
    the prompt names the word, or asks what a program returns or whether there is anything, it may be the answer. Who
    asks for a letter gets `[Your Name]` with it. Code is left alone, and so are conversations about templates.

    ## Why it matters
    The value was missing, the template was not filled in, or the answer was never written. The model learns to say
    `nan`.

    ## Example
    ```json
    {"role": "assistant", "content": "N/A"}
    ```

    ## Fix
    None: take the rows out, or fill them in.

    ## Source
    What pandas reads as missing (`pandas.read_csv`, `na_values`), and template engines' delimiters.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TXT007",
        name="placeholder-text",
        severity=Severity.WARNING,
        message="{what}",
        summary="A placeholder stands where a text should be.",
    )
    Options = PlaceholderTextOptions

    def empty(self) -> PlaceholderState:
        return PlaceholderState(Tally(self.context.max_findings))

    def map(self, batch: Batch) -> PlaceholderState:
        state = self.empty()
        state.labels = _LABELS.map(batch)
        allowed = {text.lower() for text in self.options.allow}
        turns = batch.turns
        within = set(turns_matching(batch.get(TURN_BYTES), ANYWHERE))
        for turn, text in enumerate(turns.text):
            if len(text) <= LONGEST and (word := stands_for_nothing(text)) is not None and word not in allowed:
                self._whole(batch, turn, word, state)
            elif turn in within:
                self._within(batch, turn, allowed, state)
        return state

    def merge(self, a: PlaceholderState, b: PlaceholderState) -> PlaceholderState:
        doubtful = dict(a.doubtful)
        for word, tally in b.doubtful.items():
            doubtful[word] = doubtful[word].merged(tally) if word in doubtful else tally
        return PlaceholderState(a.found.merged(b.found), doubtful, _LABELS.merge(a.labels, b.labels))

    def moved(self, state: PlaceholderState, shift: Shift) -> PlaceholderState:
        return PlaceholderState(
            shift.tally(state.found),
            {word: shift.tally(tally) for word, tally in state.doubtful.items()},
            _LABELS.moved(state.labels, shift),
        )

    def finish(self, state: PlaceholderState, rows: Rows) -> Iterator[Finding]:
        answers = LabelState(answers=state.labels.answers, examples=state.labels.examples)
        answers.with_answer = state.labels.with_answer
        counts: Counter[str] = Counter()
        for label, n in label_table(answers).total.items():
            counts[folded_label(label)] += n
        fewest = max(2, self.options.min_label_share * counts.total())
        found = state.found
        for word, tally in state.doubtful.items():
            if word in _NO_LABELS or counts[folded_label(word)] < fewest:
                found = found.merged(tally)
        yield from found.sorted()

    def _whole(self, batch: Batch, turn: int, word: str, state: PlaceholderState) -> None:
        """Put down a text that is nothing but a placeholder, unless it may be what was meant."""
        turns = batch.turns
        role, message, row = turns.role[turn], turns.message[turn], turns.row[turn]
        example = batch.examples[row]
        if example is None or role in _VERBATIM:
            return
        question = asked(example, message)
        if role == "assistant":
            named = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", question, re.IGNORECASE) is not None
            may_be = _MAY_BE.get(word)
            if named or (may_be is not None and may_be.search(question)):
                return
        elif any(said == "assistant" for said, _ in message_texts(example.messages[max(0, message - 2) : message])):
            # Somebody who is asked may say "none".
            return
        what = f"the whole text is `{turns.text[turn].strip()}`"
        finding = self._finding(batch, turn, what, turns.text[turn][:_EXCERPT])
        if role == "assistant" and answer_place(example) == message:
            state.doubtful.setdefault(word, Tally(self.context.max_findings)).add(finding)
        else:
            state.found.add(finding)

    def _within(self, batch: Batch, turn: int, allowed: set[str], state: PlaceholderState) -> None:
        """Put down the first placeholder within a text, and how many there are."""
        turns = batch.turns
        text, role, message = turns.text[turn], turns.role[turn], turns.message[turn]
        example = batch.examples[turns.row[turn]]
        if example is None or role in _VERBATIM:
            return
        found = [one for one in placeholders(text) if text[one.start : one.end].lower() not in allowed]
        if not found or has_code_lines(text):
            return
        question = asked(example, message)
        if role != "assistant":
            # Lorem ipsum behind a question is what the question is about.
            found = [one for one in found if one.kind != "form" and (one.kind != "filler" or one.start <= _BEFORE)]
        elif any(one.kind in _OF_FORMS for one in found) and (_asks_for_a_document(question) or _is_letter(text)):
            found = [one for one in found if one.kind not in _OF_FORMS]
        found = _faults(text, found, question)
        if not found:
            return
        first = min(found, key=lambda one: one.start)
        shown = " ".join(text[first.start : first.end].split())
        more = f" and {len(found) - 1:,} more" if len(found) > 1 else ""
        begin = max(0, first.start - _BEFORE)
        excerpt = part(text, begin, begin + _EXCERPT)
        state.found.add(self._finding(batch, turn, f"`{shown}`{more} was never filled in", excerpt))

    def _finding(self, batch: Batch, turn: int, what: str, excerpt: str) -> Finding:
        turns = batch.turns
        return self.at(batch, turns.row[turn], turns.pointer(turn), args={"what": what, "excerpt": excerpt})


_LABELS: Final = LabelFold()
#: Words that stand in placeholders say nothing of what a conversation is about; so many are taken out.
_MOST_SHOWN: Final = 20
_GREETING: Final = re.compile(
    r"^[ \t*_]*(?:(?:dear|hello|hi) \[|(?:yours )?(?:sincerely|truly|faithfully)|(?:(?:best|kind|warm|with best"
    r"|with kind) )?regards|best wishes"
    r"|all the best|best,|cheers,|thanks,|thank you,|subject:|to whom)",
    re.IGNORECASE | re.MULTILINE,
)


def _asks_for_a_document(question: str) -> bool:
    # The rest of a long prompt is what the request is about.
    return any(_DOCUMENT.search(part) for part in (question[:_REQUEST], question[-_REQUEST:]))


def _is_letter(text: str) -> bool:
    """Whether `text` begins or ends as a letter does, whatever was asked for."""
    return _GREETING.search(text) is not None


def _faults(text: str, found: list[Placeholder], question: str) -> list[Placeholder]:
    """Those of the placeholders that nothing in the conversation accounts for."""
    # What was given with the question is what it is about.
    found = [one for one in found if text[one.start : one.end] not in question]
    said = f"{question}\n{text}"
    for shown in {text[one.start : one.end] for one in found[:_MOST_SHOWN]}:
        said = said.replace(shown, " ")
    if any(one.kind == "note" for one in found) and _ABOUT_TODO.search(said):
        found = [one for one in found if one.kind != "note"]
    if any(one.kind in ("braces", "filler") for one in found) and _ABOUT_TEMPLATES.search(said):
        found = [one for one in found if one.kind not in ("braces", "filler")]
    if any(one.kind == "braces" for one in found) and _PROGRAM.search(text):
        found = [one for one in found if one.kind != "braces"]
    return found
