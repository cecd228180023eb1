"""CNV007 role-marker-in-text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar, Final

from pydantic import Field

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import ExampleRule, RuleMeta, RuleOptions
from dsprep.text.message_texts import asked
from dsprep.text.role_markers import ANYWHERE, Marker, markers
from dsprep.text.turn_bytes import TURN_BYTES
from dsprep.text.turn_search import any_of, turns_matching

_EXCERPT: Final = 80
_SHOWN: Final = 4
_VERBATIM: Final = ("tool", "function")

#: Whoever asks for a conversation gets one.
_DIALOGUE: Final = re.compile(
    r"\b(?:dialog\w*|conversations?(?! starters?)|conversing|screenplays?|scenes?|skits?|interviews?|transcripts?"
    r"|chat ?logs?|role-?play\w*"
    r"|play the role|debates?|exchanges? between|chat ?bots?|back[- ]and[- ]forth|few-?shot|(?:system|chat"
    r"|example) prompts?|prompt templates?"
    r"|pretend|(?:main|fictional|two|three) characters|talk(?:s|ing)? (?:to|with|between)|chat(?:s"
    r"|ting)? (?:between|with|log)"
    r"|(?:movie|film|video|play|comedy|sitcom|tv|radio|commercial|podcast|youtube)\w* (?:\w+ )?(?:scripts?"
    r"|episodes?)|scripts? (?:between|in which)"
    r"|customer service|support agent|call cent(?:er|re)|gespräch\w*|unterhaltung|conversación|diálogo"
    r"|conversazione|conversa"
    r"|разговор\w*|диалог\w*|المحادثة|محادثة|حوار|گفتگو)\b|对话|對話|会話|會話|대화|剧本|脚本",
    re.IGNORECASE,
)
#: And whoever asks about templates of prompts gets these.
_PROMPTS: Final = re.compile(
    r"\b(?:prompts?|prompting|data ?sets?|fine-?tun\w+|few-?shot|alpaca|vicuna)\b", re.IGNORECASE
)
#: A transcript that is given to be worked on.
_GIVEN: Final = re.compile(
    r"\b(?:dialog\w*|conversations?|transcripts?|chat ?logs?|chats?|interviews?|exchanges?|messages|discussions?"
    r"|turns?|calls?|examples?|prompts?|templates?"
    r"|format|script|screenplay|support tickets?|role-?play\w*|summar\w+ (?:the|this) (?:following|text)"
    r"|gespräch\w*|conversación|диалог\w*)\b|对话|對話|会話|대화",
    re.IGNORECASE,
)
_API: Final = re.compile(r"\b(?:request|endpoint|api|http|status code|curl|parameters)\b", re.IGNORECASE)
#: A line of settings, headers or a log: a word, a colon, a value.
_KEY: Final = re.compile(r"^[ \t-]*[\w .-]{1,24}: *\S{0,40}(?: \S{1,40}){0,2}$", re.MULTILINE)
_FEWEST_WORDS: Final = 3


class RoleMarkerInTextOptions(RuleOptions):
    markers: tuple[str, ...] = Field(
        (), description="more markers to report wherever a line begins with one of them, such as `Customer:`"
    )


class RoleMarkerInText(ExampleRule):
    """A message holds the marker of another one, so that several turns are glued into it.

    ## What it does
    Looks for marks of a speaker at the start of a line, outside code: those of chat templates (`### Instruction:`,
    `### Response:`, `<|user|>`, `[INST]`), one of which is enough, and names with a colon (`User:`, `Human:`,
    `Assistant:`, in several languages), which are reported if

    - both sides speak, and nothing says that a dialogue was asked for or given;
    - an answer goes on with a line of the user's, or begins with the assistant's own name;
    - a prompt begins with the user's name, or ends with the assistant's and nothing behind it.

    Settings (`User: admin`), interviews, scripts, transcripts to be summarised and the like are left alone. Name more
    markers in `markers`.

    ## Why it matters
    A conversation was exported as one text, or a model ran on and answered itself. Trained on it, a model learns to
    speak for the user.

    ## Example
    ```json
    {"role": "assistant", "content": "Paris.\\n\\nHuman: And of Spain?\\n\\nAssistant: Madrid."}
    ```

    ## Fix
    None: split the text into messages, or cut it off before the marker.

    ## Source
    The prompt templates of Alpaca, Vicuna, Anthropic's text completions, Llama 2, Zephyr and ChatML.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="CNV007",
        name="role-marker-in-text",
        severity=Severity.WARNING,
        message="{why}: {what}",
        summary="A message holds the marker of another one, so that several turns are glued into it.",
    )
    Options = RoleMarkerInTextOptions

    def find(self, batch: Batch) -> Iterator[Finding]:
        turns = batch.turns
        joined = batch.get(TURN_BYTES)
        suspects = set(turns_matching(joined, ANYWHERE, lines=True))
        if self.options.markers:
            suspects.update(turns_matching(joined, any_of(self.options.markers)))
        own = re.compile("|".join(rf"^[ \t]*{re.escape(name)}" for name in self.options.markers), re.MULTILINE)
        for turn in sorted(suspects):
            text, role, row = turns.text[turn], turns.role[turn], turns.row[turn]
            example = batch.examples[row]
            if example is None or role in _VERBATIM:
                continue
            found = sorted(markers(text))
            why = _reason(text, role, found, asked(example, turns.message[turn])) if found else None
            if why is None and self.options.markers and (match := own.search(text)):
                found, why = [Marker(*match.span(), "user", False)], "a marker of a turn within a message"
            if why is None:
                continue
            names = Counter(" ".join(text[one.start : one.end].split()) for one in found)
            listed = ", ".join(f"`{name}` × {n}" if n > 1 else f"`{name}`" for name, n in list(names.items())[:_SHOWN])
            first = found[0].start
            yield self.at(
                batch,
                row,
                turns.pointer(turn),
                args={"why": why, "what": listed, "count": len(found), "excerpt": text[first:][:_EXCERPT]},
            )


#: People and programs are compared, too: `Human: …`, `AI: …`.
_COMPARED: Final = frozenset(
    {
        "agent",
        "human",
        "ai",
        "ki",
        "ia",
        "bot",
        "chatbot",
        "gpt",
        "gpt-3.5",
        "gpt-4",
        "gpt4",
        "claude",
        "bard",
        "gemini",
        "llm",
    }
)
_ALTERNATING: Final = 3
#: The user's lines, if nobody answers them.
_MOST_LINES: Final = 3
#: A dialogue is announced within so many characters before it.
_INTRODUCTION: Final = 300
_TOKENS: Final = re.compile(r"(?:\s|<s>|<bos>|<\|[a-z_]{1,30}\|>)*")
_SPEAKER: Final = re.compile(r"^[ \t]*[*_]{0,3}([A-Z][\w.' ]{0,24})[*_]{0,3} ?:", re.MULTILINE)


def _reason(text: str, role: str, found: list[Marker], question: str) -> str | None:
    """Why the markers of `text`, in order of place, are those of other turns; None if they may belong to it."""
    tokens = [one for one in found if one.template and text[one.start] in "<["]
    if len(tokens) > 1 or any(_begins_line(text, one.start) for one in tokens):
        return "markers of a chat template within a message"
    if role in ("system", "developer"):
        return None
    headings = [one for one in found if one.template and text[one.start] not in "<["]
    if headings and (why := _of_headings(text, role, headings, question)):
        return why
    names = [one for one in found if not one.template]
    if not names:
        return None
    if role == "assistant":
        return _of_an_answer(text, names, question)
    both = _both_speak(text, names)
    if both and (_GIVEN.search(text) or _GIVEN.search(question)):
        return None
    if _is_bare(text, names[-1], ("assistant",)):
        return "a prompt ends with the marker of the answer"
    if _begins(text, names[0]) and names[0].side == "user" and _is_turn(text, names[0]):
        return "a prompt begins with the marker of the user"
    return "several turns in one message" if both else None


def _of_headings(text: str, role: str, headings: list[Marker], question: str) -> str | None:
    sides = {one.side for one in headings}
    said = f"{question}\n{text}" if role != "assistant" else question
    if all(text.startswith("# ", one.start) for one in headings) and not {"user", "assistant"} <= sides:
        return None
    ends = not text[headings[-1].end :].strip() and headings[-1].side == "assistant"
    begins = not text[: headings[0].start].strip() and headings[0].side == "assistant" and role == "assistant"
    if ends or begins or ({"user", "assistant"} <= sides and not _API.search(said)):
        return "headings of a prompt template within a message"
    named = "user" in sides or any(
        "response" not in text[one.start : one.end].lower() for one in headings if one.side == "assistant"
    )
    if named and role == "assistant" and not _PROMPTS.search(said):
        return "headings of a prompt template within a message"
    return None


def _of_an_answer(text: str, names: list[Marker], question: str) -> str | None:
    first, last = names[0], names[-1]
    if len(names) == 1 and last.side == "user" and _is_bare(text, last, ("user",)) and not _begins(text, last):
        return "an answer ends with the marker of a turn"
    if _DIALOGUE.search(question) or _both_speak(question, _names(question)):
        return None
    if _DIALOGUE.search(text, max(0, first.start - _INTRODUCTION), first.start):
        return None
    if _both_speak(text, names):
        return "several turns in one message"
    if _begins(text, first) and first.side == "assistant" and len(names) == 1:
        return "an answer begins with its own marker" if _name(text, first) not in _COMPARED else None
    if _is_bare(text, last, ("user", "assistant")) and text[: last.start].strip():
        return "an answer ends with the marker of a turn"
    if len(names) > _MOST_LINES or _is_script(text, names):
        return None
    for one in names:
        # Behind a paragraph of its own an answer names nobody who goes on with a sentence.
        if text[: one.start].strip() and _is_turn(text, one) and _is_paragraph(text, one):
            if one.side == "user":
                return "an answer goes on with a turn of the user's"
            if one.side == "assistant" and _name(text, one) not in _COMPARED:
                return "an answer goes on with another one"
    return None


def _names(text: str) -> list[Marker]:
    return sorted(one for one in markers(text) if not one.template)


def _is_script(text: str, names: list[Marker]) -> bool:
    """Whether somebody else than user and assistant has lines, too."""
    known = {one.start for one in names}
    speakers = Counter(match[1] for match in _SPEAKER.finditer(text) if match.start(1) not in known)
    return any(n > 1 for n in speakers.values())


def _both_speak(text: str, names: list[Marker]) -> bool:
    sides = [one.side for one in names]
    if not {"user", "assistant"} <= set(sides) or not any(_is_turn(text, one) for one in names):
        return False
    if any(_name(text, one) not in _COMPARED for one in names if one.side == "assistant"):
        return True
    changes = sum(a != b for a, b in pairwise(sides)) + 1
    return changes >= _ALTERNATING and all(text[one.start - 2 : one.start] != "- " for one in names)


def _name(text: str, one: Marker) -> str:
    return text[one.start : one.end].strip("*_:： \t-[]<>").lower()


def _begins_line(text: str, at: int) -> bool:
    """Whether nothing but other tokens stands before that place on its line."""
    return _TOKENS.fullmatch(text, text.rfind("\n", 0, at) + 1, at) is not None


def _begins(text: str, one: Marker) -> bool:
    return not text[: one.start].strip(" \t\n*_[<")


def _line_behind(text: str, one: Marker) -> str:
    end = text.find("\n", one.end)
    return text[one.end : end if end >= 0 else len(text)].strip()


def _is_turn(text: str, one: Marker) -> bool:
    """Whether somebody says something behind the marker: a sentence, or lines of their own; no value of a setting."""
    said = _line_behind(text, one)
    if not said:
        return bool(text[one.end :].strip())
    return len(said.split()) >= _FEWEST_WORDS or said[-1] in ".?!。？！؟" or not said.isascii()


def _is_paragraph(text: str, one: Marker) -> bool:
    """Whether the line of the marker stands apart: it is no item, and the line before it no setting and no heading."""
    start = text.rfind("\n", 0, one.start) + 1
    if text.startswith("- ", one.start - 2):
        return False
    before = text[:start].rstrip(" \t\n").rpartition("\n")[2]
    return _KEY.fullmatch(before) is None and before.lstrip()[:2] not in ("- ", "* ", "• ") and before[-1:] != ":"


def _is_bare(text: str, one: Marker, sides: tuple[str, ...]) -> bool:
    """Whether nothing stands behind the marker, the last one."""
    return one.side in sides and not text[one.end :].strip()
