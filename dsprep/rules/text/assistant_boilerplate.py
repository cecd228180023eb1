"""TXT008 assistant-boilerplate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

import numpy as np
from pydantic import Field

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.rule import ExampleRule, RuleMeta, RuleOptions
from dsprep.text.boilerplate import ANYWHERE, AT_THE_BEGINNING, HEAD, Boilerplate, Phrase, boilerplate
from dsprep.text.message_texts import asked
from dsprep.text.turn_bytes import TURN_BYTES, TurnBytes
from dsprep.text.turn_search import any_of, turns_matching

_EXCERPT: Final = 80

#: Matches in every text in which one of `ANYWHERE` does, and in every head in which one of `AT_THE_BEGINNING` does.
_WHOLE: Final = "(?i:" + any_of(anchor for phrase in ANYWHERE for anchor in phrase.anchors) + ")"
_HEADS: Final = any_of(anchor for phrase in AT_THE_BEGINNING for anchor in phrase.anchors)

#: Whoever asks what it is may be told.
_WHO: Final = re.compile(
    r"\b(?:(?:who|what) (?:are|r) (?:you|u)\b(?= ?(?:[?.!,\n]|$|exactly|really|made|called|and|anyway))|what(?: is"
    r"|['’]s) your (?:name|knowledge|training)|(?:are|r) (?:you|u) (?:an? |really |actually )*(?:\w+ )?"
    r"(?:ai|a\.i\.|bot|robot|human|person|machine|real|chat ?gpt|language model|sentient|conscious|alive)\b"
    r"|(?:tell me|talk) about yourself|introduce yourself|who (?:made|created|built|trained|developed) you"
    r"|your (?:knowledge )?cut-?off"
    r"|(?:act|pretend|behave|respond|answer|role-?play|write) (?:as|like) (?:an? |the )?(?:\w+ )?(?:ai|robot"
    r"|language model|chat ?bot|chatgpt)\b)",
    re.IGNORECASE,
)
#: Whoever asks for a refusal gets one.
_ASKED: Final = re.compile(
    r"\b(?:writ|draft|compos|repl|respon|letter|e-?mail|messag|polite|how (?:do|can|to|should)|translat|rewrit"
    r"|rephras|examples?"
    r"|ways)\w*\b[^\n]{0,120}\b(?:declin|refus|reject|turn(?:ing)? [^\n]{0,20}?down\b|say(?:ing)? no\b|apolog"
    r"|disclaimer)"
    r"|\b(?:refusals?|disclaimers?|rejections?)\b",
    re.IGNORECASE,
)


class AssistantBoilerplateOptions(RuleOptions):
    allow: tuple[str, ...] = Field(
        (), description="kinds not to report: `refusal`, `self-reference`, `knowledge limit`"
    )


class AssistantBoilerplate(ExampleRule):
    """An answer speaks of the assistant: that it is an AI, that it cannot help, what it cannot know.

    ## What it does
    Looks in the assistant's own sentences for self-references ("As an AI language model, I …"), for refusals that an
    answer begins with ("I'm sorry, but I can't assist with that"), and for remarks about the limits of its knowledge
    ("as of my last update"); in English anywhere, in some thirty other languages at the beginning.

    What is quoted, in code or said by somebody in a dialogue is not the assistant's own. A question about the assistant
    itself may be answered so, and a request for a refusal, too. Sympathy ("I'm sorry to hear that") and people ("As an
    AI researcher") are no boilerplate. Kinds that you want are named in `allow`.

    ## Why it matters
    Data that another model wrote carry its refusals and its name. A few hundred of them teach a model to refuse what it
    could do, and to say that it is somebody else.

    ## Example
    ```json
    {"role": "assistant", "content": "As an AI language model, I don't have a favourite colour."}
    ```

    ## Fix
    None. Most such rows are best taken out; refusals that the model shall learn stay.

    ## Source
    The filters of WizardLM-unfiltered and OpenHermes (lists of phrases), extended and held to whole sentences.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TXT008",
        name="assistant-boilerplate",
        severity=Severity.WARNING,
        message="{kind}: {said}",
        summary="An answer speaks of the assistant instead of answering.",
    )
    Options = AssistantBoilerplateOptions

    def find(self, batch: Batch) -> Iterator[Finding]:
        turns = batch.turns
        phrases = _suspect_heads(batch)
        for turn in turns_matching(batch.get(TURN_BYTES), _WHOLE):
            if turns.role[turn] == "assistant":
                phrases.setdefault(turn, []).extend(_possible(turns.text[turn], ANYWHERE))
        for turn in sorted(phrases):
            text = turns.text[turn]
            row = turns.row[turn]
            example = batch.examples[row]
            found = [said for said in _found(text, phrases[turn]) if said.kind not in self.options.allow]
            if example is None or not found:
                continue
            question = asked(example, turns.message[turn])
            if _WHO.search(question):
                found = [said for said in found if said.kind == "refusal"]
            if _ASKED.search(question):
                found = [said for said in found if said.kind != "refusal"]
            if not found:
                continue
            said = min(found, key=lambda said: said.start)
            kinds = sorted({said.kind for said in found})
            yield self.at(
                batch,
                row,
                turns.pointer(turn),
                args={
                    "kind": " and ".join(kinds),
                    "said": f"“{_shown(text[said.start : said.end])}”",
                    "excerpt": text[said.start :][:_EXCERPT],
                },
            )


def _suspect_heads(batch: Batch) -> dict[int, list[Phrase]]:
    """The assistant's texts whose head holds an anchor, with the phrases that may be there."""
    turns = batch.turns
    own = [turn for turn, role in enumerate(turns.role) if role == "assistant"]
    heads = [turns.text[turn][:HEAD].lower().replace("\n", " ") for turn in own]
    encoded = [head.encode("utf-8", "surrogatepass") for head in heads]
    sizes = np.fromiter(map(len, encoded), np.int64, len(encoded)) + 1
    joined = TurnBytes(b"\n".join((*encoded, b"")), np.cumsum(sizes) - sizes)
    return {own[i]: _possible(heads[i], AT_THE_BEGINNING) for i in turns_matching(joined, _HEADS)}


def _possible(text: str, phrases: Sequence[Phrase]) -> list[Phrase]:
    folded = text.lower()
    return [phrase for phrase in phrases if any(anchor in folded for anchor in phrase.anchors)]


def _found(text: str, phrases: list[Phrase]) -> list[Boilerplate]:
    beginning = [phrase for phrase in phrases if phrase not in ANYWHERE]
    found = list(boilerplate(text, [phrase for phrase in phrases if phrase in ANYWHERE]))
    return [*found, *boilerplate(text[:HEAD], beginning)] if beginning else found


def _shown(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _EXCERPT else f"{words[: _EXCERPT - 1]}…"
