"""Words that stand where a text should be: what a program writes for nothing, what a template was never filled with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, Literal, NamedTuple

from dsprep.text.code_spans import prose_spans
from dsprep.text.quotation import is_quoted

Kind = Literal["form", "slot", "braces", "note", "filler"]


class Placeholder(NamedTuple):
    """Where a placeholder stands, and of what kind it is: one that letters and forms rightly have (`form`: `[Your
    Name]`), the slot of a prompt (`slot`: `[insert text here]`), that of a template engine (`braces`), a note of its
    author's (`note`) or lorem ipsum (`filler`)."""

    start: int
    end: int
    kind: Kind


#: No more of one kind are looked at in one stretch of prose.
MOST: Final = 100
#: A longer text is none of these.
LONGEST: Final = 40
#: What a program writes where there is no value; and what a person writes there, which may be an answer, too.
NOTHING: Final = frozenset(
    {"nan", "null", "undefined", "none", "n/a", "#n/a", "<na>", "nat", "[object object]", "(null)"}
)
#: What a person writes who means to come back.
UNWRITTEN: Final = frozenset(
    {
        "<answer>",
        "[answer]",
        "{answer}",
        "{{answer}}",
        "<response>",
        "[response]",
        "<output>",
        "[output]",
        "{{output}}",
        "{{response}}",
        "todo",
        "to do",
        "tbd",
        "tba",
        "tbc",
        "fixme",
        "xxx",
        "xxxx",
        "lorem ipsum",
        "placeholder",
        "placeholder text",
        "your answer here",
        "your text here",
        "your response here",
        "answer here",
        "text here",
        "response here",
        "insert answer here",
        "insert text here",
        "insert response here",
        "enter text here",
        "dummy text",
        "sample text",
        "no output",
        "nooutput",
        "noinput",
        "no response",
        "no response provided",
        "not available",
        "not applicable",
        "not provided",
        "not answered",
        "missing",
        "missing value",
        "empty",
        "(empty)",
        "(blank)",
        "blank",
        "deleted",
        "removed",
        "[deleted]",
        "[removed]",
        "...",
        "…",
        "-",
        "--",
        "---",
        "—",
        "???",
        "_",
        "__",
        "___",
        "asdf",
        "test test",
        "to be filled",
        "to be filled in",
        "to be added",
        "to be completed",
        "to be determined",
        "to be written",
        "coming soon",
        "content goes here",
        "answer goes here",
        "text goes here",
        "fill in",
        "fill me in",
        "content",
    }
)
_WRAPPED: Final = re.compile(r"[\[(<{*_`\"'“”]*(.*?)[\])>}*_`\"'“”]*[.!:]?", re.DOTALL)

_FIELDS: Final = (
    r"(?:first |last |full |user |company |customer |client |recipient(?:['’]s)? |sender(?:['’]s)? |employee "
    r"|employer |manager(?:['’]s)? "
    r"|candidate |product |brand |friend(?:['’]s)? |teacher(?:['’]s)? |school |university |city |country |phone "
    r"|e-?mail |street |mailing |job "
    r"|position |event |book |team |agent |doctor(?:['’]s)? |patient |student(?:['’]s)? |project |department "
    r"|business |contact |order |invoice |website |web )+"
)
_FIELD: Final = (
    r"(?:name|title|date|address|number|e-?mail|city|state|company|position|time|location|place|phone|amount"
    r"|signature|website"
    r"|link|url|topic|subject|product|school|id|department|role|zip(?: code)?|city, state(?:,? zip(?: code)?)?)"
)
#: Square brackets of a form that is to be filled in. `[title](url)` and `[1]` are none.
_FORM: Final = re.compile(
    r"[\[<] ?(?i:your|insert|enter (?:your|the|an?)|fill in|specify|paste|name of|mention (?:your|the|an?)"
    r"|describe (?:your|the|an?)"
    r"|provide (?:your|the|an?))\b[^\[\]<>\n]{1,60}[\]>](?![(:\[])"
    rf"|(?<!\w)\[(?i:{_FIELDS}{_FIELD})\](?![(:\[])"
    r"|(?<!\w)\[(?:N(?:ame|AME)|D(?:ate|ATE)|A(?:ddress|DDRESS)|C(?:ompany|OMPANY)|N(?:umber|UMBER))\](?![(:\[])"
)
#: In a field of a form, or a cell of a table, it is what belongs there.
_FIELD_BEFORE: Final = re.compile(r"[^\n]*(?:[:|][ \t*_]*|\|[^\n]*)")
#: What a prompt's author meant to put something in for.
_SLOT: Final = re.compile(
    r"[\[<] ?(?:insert|paste|put|enter|add) (?:(?:your|the|an?|some|any|article|text|code|question|input|context"
    r"|document|passage|story|name"
    r"|answer) ?)[^\[\]<>\n]{0,60}[\]>](?![(:\[])"
    r"|[\[<({] ?(?:insert|paste|put|enter|add) [^\[\]<>(){}\n]{0,40}\bhere ?[\]>)}](?![(:\[])"
    r"|[\[<] ?your (?:text|article|question|input|answer|response|code|content|document|data|prompt|query|topic"
    r"|essay|message|story|passage)"
    r"(?: goes)?(?: here)? ?[\]>](?![(:\[])",
    re.IGNORECASE,
)
_NAMES: Final = (
    r"(?:name|first_?name|last_?name|full_?name|user_?name|user|customer_?name|client_?name|company(?:_?name)?|text"
    r"|input|output|question"
    r"|answer|context|instruction|prompt|query|topic|title|article|document|passage|content|message|date|email"
    r"|address|product(?:_?name)?"
    r"|city|country|language|subject|summary|response|category|label|sentence|paragraph|review|story|order_?id"
    r"|agent_?name)"
)
#: Braces of a template engine; those of formulas and of code stand behind other signs.
_BRACES: Final = re.compile(
    rf"(?<![\w\\^{{}}$%#])\{{\{{[-~#^]? ?[A-Za-z_][\w.-]{{0,40}}(?:\[[^\[\]\n]{{1,20}}\])?(?:"
    rf" ?\|[^{{}}\n]{{1,40}})? ?\}}\}}(?![}}(])"
    rf"|(?<![\w\\^{{}}$%#\"'])\{{{_NAMES}\}}(?![}}(\"'])",
)
_LOREM: Final = re.compile(r"\blorem ipsum dolor\b", re.IGNORECASE)
_TODO: Final = re.compile(
    r"(?:^|(?<=\n))[ \t]*[\[<(*_]{0,3}(?:TODO|FIXME|TBD)\b(?!\s*(?:list|[Ll]ist"
    r"|app))[\])>*_]{0,3}(?:[ \t]*[:\-–—][^\n]{0,80}|[ \t]*(?=\n|\Z))"
    r"|[\[<](?:TODO|FIXME|TBD)\b[^\[\]<>\n]{0,60}[\]>](?!\()"
)

_KINDS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    ("filler", _LOREM),
    ("braces", _BRACES),
    ("slot", _SLOT),
    ("note", _TODO),
    ("form", _FORM),
)

#: Matches in every text in which one of the above does (RE2's syntax).
ANYWHERE: Final = "|".join(
    (
        r"[\[<({] ?(?i:your|insert|enter|fill|specify|paste|put|add|name of|provide|mention|describe)\b",
        r"(?i:lorem ipsum dolor)",
        r"\b(?:TODO|FIXME|TBD)\b",
        r"\{\{[-~#^]? ?[A-Za-z_]",
        rf"\{{{_NAMES}\}}",
        r"\[[A-Za-z'’-]{2,20} [A-Za-z'’ ,/-]{2,60}\]",
        r"\[(?:Name|NAME|Date|DATE|Address|ADDRESS|Company|COMPANY|Number|NUMBER)\]",
    )
)


def stands_for_nothing(text: str) -> str | None:
    """`text` in small letters and without brackets and quotes, if it is nothing but a placeholder; else None."""
    if len(text) > LONGEST:
        return None
    plain = text.strip()
    folded = plain.lower()
    if folded not in NOTHING and folded not in UNWRITTEN:
        match = _WRAPPED.fullmatch(folded)
        folded = " ".join(match[1].split()) if match else folded
        # A dash in quotes may be the answer; one alone is none.
        if not any(c.isalpha() for c in folded):
            return None
    return folded if folded in NOTHING or folded in UNWRITTEN else None


def placeholders(text: str) -> Iterator[Placeholder]:
    """The placeholders in the prose of `text` that are not quoted, in order of their kinds."""
    for start, end in prose_spans(text):
        for kind, pattern in _KINDS:
            for match in islice(pattern.finditer(text, start, end), MOST):
                start_of_line = text.rfind("\n", 0, match.start()) + 1
                if kind == "form" and _FIELD_BEFORE.fullmatch(text, start_of_line, match.start()):
                    continue
                if not is_quoted(text, match.start()):
                    yield Placeholder(*match.span(), kind)
