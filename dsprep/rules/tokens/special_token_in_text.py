"""TOK004 special-token-in-text."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, Fix, Replace
from dsprep.model.rule import ExampleRule, FixAvailability, RuleMeta, RuleOptions
from dsprep.text.turn_bytes import TURN_BYTES

#: Strings that mean a control token to some model's tokenizer and next to nothing anywhere else: those of OpenAI,
#: Llama 3, Qwen, Phi and StarCoder (`<|…|>`), DeepSeek (full-width bars), Llama 2 and Mistral (square brackets), Gemma
#: (turns), T5.
_PLAIN = (
    r"<\|[A-Za-z][A-Za-z0-9_-]{1,48}\|>",
    r"<｜[A-Za-z][\w▁-]{1,48}｜>",
    r"<</?SYS>>",
    r"\[/?INST\]",
    r"\[/?(?:AVAILABLE_TOOLS|TOOL_RESULTS|SYSTEM_PROMPT)\]",
    r"\[TOOL_CALLS\]",
    r"<(?:start|end)_of_turn>",
    r"<(?:bos|eos|pad|unk)>",
)
#: Begin and end of a sequence for Llama 2 and Mistral, but struck-out text in HTML.
_SEQUENCE = re.compile(r"<s(?:\s[^<>]*)?>|</s>")
_GRAMMAR = re.compile(r"\s*(?:::?=|->|→)")
_ANCHOR = re.compile(rb"<(?:\||/?s>|</?SYS|\xef\xbd\x9c|start_of|end_of|bos>|eos>|pad>|unk>)")
_BRACKET = re.compile(rb"\[/?(?:INST|AVAILABLE_TOOLS|TOOL_RESULTS|SYSTEM_PROMPT|TOOL_CALLS)\]")
#: What a chat template puts behind the token that opens a message.
_HEADER = re.compile(r"(?:system|developer|user|assistant|model|tool)(?:<\|end_header_id\|>|(?=\s*\n))")
_OPENING = ("<|im_start|>", "<|start_header_id|>", "<start_of_turn>")
_EXCERPT = 80
_BEFORE = 24


class SpecialTokenInTextOptions(RuleOptions):
    tokens: tuple[Annotated[str, Field(pattern=r"^\S.*\S$")], ...] = Field(
        (), description="more strings to report, such as `<my_token>`, of two characters or more"
    )
    allow: tuple[str, ...] = Field((), description="strings not to report")


class SpecialTokenInText(ExampleRule):
    """A text holds a string that a tokenizer reads as a control token.

    ## What it does
    Finds the control tokens of common models in the texts of messages: `<|endoftext|>`, `<|im_start|>` and anything
    else of the shape `<|name|>`, `[INST]`, `<<SYS>>`, `<start_of_turn>`, `<bos>`, `<eos>`, `<pad>`, `<unk>`, and `<s>`
    and `</s>`. The last two also strike out text in HTML: a pair of them is left alone, unless there are other control
    tokens in the same text, and so is a `<s>` anywhere but at the start. Name more in `tokens`, exempt some in `allow`.

    ## Why it matters
    They are left over from another chat template, or from data that was exported with the template applied. A trainer
    that trusts its data turns them into real control tokens: the conversation ends, or a new turn begins, inside a
    message, and the model learns to write them itself.

    ## Example
    ```json
    {"role": "assistant", "content": "Paris.<|im_end|>"}
    ```

    ## Fix
    Unsafe. A token at the beginning or end of the text, where a template leaves it, is removed, with the role that
    stands behind an opening one and the white space at that end. A token inside the text, where the sentence may be
    about it, gets a space behind its first character: `< |endoftext|>` reads the same and is no control token. So does
    each token of a text that is made of nothing else.

    ## Source
    The tokenizer files that these models are published with; OpenAI, tiktoken: `disallowed_special`.
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TOK004",
        name="special-token-in-text",
        severity=Severity.WARNING,
        message="`{token}` is a control token to some tokenizers (control tokens in this text: {count})",
        summary="A text holds a string that a tokenizer reads as a control token.",
        fix=FixAvailability.ALWAYS,
    )
    Options = SpecialTokenInTextOptions

    def find(self, batch: Batch) -> Iterator[Finding]:
        turns = batch.turns
        joined = batch.get(TURN_BYTES)
        patterns = [_ANCHOR, _BRACKET]
        if self.options.tokens:
            extra = [re.escape(token.encode("utf-8", "surrogatepass")) for token in self.options.tokens]
            patterns.append(re.compile(b"|".join(extra)))
        plain = re.compile("|".join((*_PLAIN, *(re.escape(token) for token in self.options.tokens))))
        allowed = frozenset(self.options.allow)
        for turn in sorted({turn for pattern in patterns for turn in joined.holding(pattern)}):
            text = turns.text[turn]
            spans = _special(text, plain, allowed)
            if not spans:
                continue
            start, end = spans[0]
            excerpt = text[max(0, start - _BEFORE) :][:_EXCERPT]
            pointer = turns.pointer(turn)
            edit = Replace(pointer, _without(text, plain, allowed))
            yield self.at(
                batch,
                turns.row[turn],
                pointer,
                args={"token": text[start:end], "count": len(spans), "excerpt": excerpt},
                fix=Fix(Applicability.UNSAFE, (edit,)),
            )


def _special(text: str, plain: re.Pattern[str], allowed: frozenset[str]) -> list[tuple[int, int]]:
    """Where the control tokens of `text` are, in order."""
    spans = [match.span() for match in plain.finditer(text) if match.group() not in allowed]
    sequence = [match.span() for match in _SEQUENCE.finditer(text)] if "s>" in text or "<s " in text else []
    if sequence:
        if not spans:
            sequence = _unpaired(text, sequence)
        plain_tags = {"<s>", "</s>"} - allowed
        spans += [span for span in sequence if text[slice(*span)] in plain_tags]
        spans = sorted(set(spans))
    return spans


def _unpaired(text: str, tags: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of the `<s>` and `</s>` of `text` that cannot be HTML: an end without its start, a start at the very
    beginning without its end. A `<s>` elsewhere may stand for anything, such as the root of a grammar."""
    pending: list[tuple[int, int]] = []
    ends: list[tuple[int, int]] = []
    for span in tags:
        if text[span[0] + 1] != "/":
            pending.append(span)
        elif pending:
            pending.pop()
        else:
            ends.append(span)
    starts = [span for span in pending[:1] if not text[: span[0]].strip() and not _GRAMMAR.match(text, span[1])]
    return starts + ends


def _without(text: str, plain: re.Pattern[str], allowed: frozenset[str]) -> str:
    """`text` without control tokens: removed at its ends, broken up inside."""
    spans = _special(text, plain, allowed)
    begin, end = 0, len(text)
    for start, stop in spans:
        if text[begin:start].strip():
            break
        header = _HEADER.match(text, stop) if text[start:stop] in _OPENING else None
        begin = max(begin, stop if header is None else header.end())
    for start, stop in reversed(spans):
        if start < begin or text[stop:end].strip():
            break
        end = start
    out = text[begin:end]
    out = out.lstrip() if begin else out
    out = out.rstrip() if end < len(text) else out
    # A text of control tokens alone would be empty without them, which is worse than keeping them readable.
    out = out if out.strip() else text
    # Breaking one up may lay bare another, where the strings that the user named overlap.
    while spans := _special(out, plain, allowed):
        cuts = [0, *(start + 1 for start, _ in spans), len(out)]
        out = " ".join(out[a:b] for a, b in itertools.pairwise(cuts))
    return out
