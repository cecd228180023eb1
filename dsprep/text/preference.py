"""Preference records: what is wrong with the shape of one, and the same pair in either of the shapes.

OpenAI's shape is `{"input": {"messages": […]}, "preferred_output": [one message], "non_preferred_output": [one
message]}` (its guide to direct preference optimization, developers.openai.com/api/docs/guides, which says that text
alone is taken), TRL's `{"prompt": …, "chosen": …, "rejected": …}`, as texts or lists of messages, the prompt possibly
left to what both lists begin with (its page on dataset formats).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from dsprep.model import pointer as pointers
from dsprep.model.batch import Batch, Feature
from dsprep.model.chat import SchemaFault, json_type, shown
from dsprep.model.fix import Edit, Remove, Replace, Substitute
from dsprep.model.record import Example
from dsprep.model.target import Target
from dsprep.text.normal import canonical, fold_all

#: The names of the two formats: OpenAI's, and TRL's.
OPENAI: Final = "preference"
TRL: Final = "preference-trl"

#: What a record has, in the order in which it is written.
MEMBERS: Final[Mapping[str, tuple[str, str, str]]] = {
    OPENAI: ("input", "preferred_output", "non_preferred_output"),
    TRL: ("prompt", "chosen", "rejected"),
}
#: What an older specification of OpenAI's called the answers.
OLD_NAMES: Final[Mapping[str, str]] = {
    "preferred_completion": "preferred_output",
    "non_preferred_completion": "non_preferred_output",
}

_CODE: Final = "SCH014"
_FIELD, _PART = b"\x1f", b"\x1e"


def chosen_of(example: Example) -> list[Any]:
    """The messages of the chosen answer of a preference record."""
    return example.messages[example.prompt_size :]


def said(messages: Sequence[Any]) -> bytes:
    """What `messages` say, folded as for DUP002 (Unicode form, case, white space); empty if that is nothing. Tool calls
    and parts that are no text count as they are, names and weights do not."""
    return said_by_all([messages])[0]


def said_by_all(groups: Sequence[Sequence[Any]]) -> list[bytes]:
    """`said` of each of these lists of messages, several times as fast."""
    # Per message, its place in `texts` (None: it has no text) and what it holds besides.
    parts: list[list[tuple[int | None, bytes]]] = []
    texts: list[str] = []
    for messages in groups:
        pieces: list[tuple[int | None, bytes]] = []
        for message in messages:
            if type(message) is not dict:
                pieces.append((None, canonical(message) or b"?"))
                continue
            content = message.get("content")
            if type(content) is str and len(message) == 2:
                pieces.append((len(texts), b""))
                texts.append(content)
                continue
            items = content if type(content) is list else [content]
            others = [item for item in items if item is not None and not _is_text(item)]
            others += [message[key] for key in ("tool_calls", "function_call") if message.get(key)]
            pieces.append((len(texts), _PART + (canonical(others) or b"?") if others else b""))
            spoken = [item["text"] if type(item) is dict else item for item in items if _is_text(item)]
            texts.append(" ".join(map(str, spoken)))
        parts.append(pieces)
    folded = fold_all(texts)
    return [_FIELD.join([(b"" if at is None else folded[at]) + besides for at, besides in pieces]) for pieces in parts]


def _pair_texts(batch: Batch) -> PairTexts:
    index = [i for i, example in enumerate(batch.examples) if example is not None and example.rejected is not None]
    examples = [example for example in batch.examples if example is not None and example.rejected is not None]
    folded = said_by_all([answer for one in examples for answer in (chosen_of(one), one.rejected or [])])
    return PairTexts(index, folded[::2], folded[1::2])


@dataclass(frozen=True, slots=True)
class PairTexts:
    """The preference records of a batch, in lists of equal length: their indexes in the batch, and what the chosen and
    the rejected answers say (see `said`)."""

    index: list[int]
    chosen: list[bytes]
    rejected: list[bytes]


#: What the answers of the preference records of a batch say.
PAIR_TEXTS: Final[Feature[PairTexts]] = Feature("pair-texts", _pair_texts)


def _is_text(part: Any) -> bool:
    return type(part) is str or (type(part) is dict and type(part.get("text")) is str)


# --- the shapes -----------------------------------------------------------------------------------------------------


def as_openai(example: Example) -> dict[str, Any]:
    """A preference record in OpenAI's shape."""
    chosen, rejected = _answers(example)
    given = {key: item for key, item in example.record.items() if key != "messages"}
    prompt = example.messages[: len(example.messages) - len(chosen)]
    return {"input": {"messages": prompt, **given}, "preferred_output": chosen, "non_preferred_output": rejected}


def as_trl(example: Example) -> dict[str, Any]:
    """A preference record in TRL's shape: lists of messages, or texts where it came as texts."""
    chosen, rejected = _answers(example)
    prompt = example.messages[: len(example.messages) - len(chosen)]
    origins = example.origins if example.format == TRL and example.origins is not None else {}
    out: dict[str, Any] = {}
    for key, messages, place in (
        ("prompt", prompt, "/messages/0/content"),
        ("chosen", chosen, f"/messages/{len(prompt)}/content"),
        ("rejected", rejected, "/rejected/0/content"),
    ):
        was_text = len(messages) == 1 and origins.get(place) == f"/{key}"
        if messages or key != "prompt":
            out[key] = messages[0]["content"] if was_text else messages
    out.update((key, item) for key, item in example.record.items() if key != "messages")
    return out


def _answers(example: Example) -> tuple[list[Any], list[Any]]:
    """The chosen and the rejected answer. Of what is no preference record, the last message if it is the assistant's,
    and none."""
    if example.rejected is not None:
        return chosen_of(example), example.rejected
    last = example.messages[-1:]
    ends = bool(last) and type(last[0]) is dict and last[0].get("role") == "assistant"
    return (last if ends else []), []


#: By the name of a format: an example as a record of it.
SHAPES: Final = {OPENAI: as_openai, TRL: as_trl}


# --- what is wrong with one -----------------------------------------------------------------------------------------


def pair_faults(value: Mapping[str, Any], example: Example, wanted: str | None) -> list[SchemaFault]:
    """What is wrong with the shape of a preference record. `value` is the record, `wanted` the format in which the
    target takes such records. Pointers are into the record itself, or into the chat form."""
    if example.format == OPENAI:
        return list(_openai_faults(value))
    return list(_trl_faults(value, example, strict=wanted == OPENAI))


def sft_fault(value: Any, example: Example | None, target: Target) -> SchemaFault:
    """What is wrong with a record that is no preference record, for a target that takes nothing else."""
    names = _names(MEMBERS[target.preferences or OPENAI], "and")
    if example is None:
        keys = ", ".join(f"`{shown(key, 40)}`" for key in list(value)[:10]) or "no key"
        return _fault("", f"a preference record has {names}; this one has {keys}")
    if example.format == "chat" and "chosen" in value and "rejected" in value:
        return _fault("", "`messages` beside `chosen` and `rejected`: without `messages` it is a preference record")
    article = "an" if example.format[0] in "aeiou" else "a"
    return _fault("", f"{article} {example.format} record has no rejected answer; a preference record has {names}")


def _openai_faults(value: Mapping[str, Any]) -> Iterator[SchemaFault]:
    for old, new in OLD_NAMES.items():
        if old in value:
            yield _fault(f"/{old}", f"`{old}` is what an older specification said; the key is `{new}`")
    given, *outputs = MEMBERS[OPENAI]
    old_names = {new: old for old, new in OLD_NAMES.items()}
    keys = {new: new if new in value else old_names[new] for new in outputs}
    missing = [key for key in (given, *outputs) if key not in value and keys.get(key) not in value]
    if missing:
        yield _fault("", f"no {_names(missing, 'and no')}; a preference record has {_names(MEMBERS[OPENAI], 'and')}")
    if given in value:
        yield from _input_faults(value[given])
    for key in keys.values():
        if key in value:
            yield from _output_faults(key, value[key])


def _input_faults(given: Any) -> Iterator[SchemaFault]:
    if type(given) is not dict:
        yield _fault("/input", f"`input` is {json_type(given)}; it takes an object with `messages`")
    elif "messages" not in given:
        yield _fault("/input", "`input` has no `messages`")
    elif type(given["messages"]) is not list:
        yield _fault("/input/messages", f"`messages` of `input` is {json_type(given['messages'])}; it takes a list")
    elif not given["messages"]:
        yield _fault("/input/messages", "`messages` of `input` is empty")
    else:
        yield from _parts_faults("`input`", "/messages", given["messages"])


def _output_faults(key: str, output: Any) -> Iterator[SchemaFault]:
    if type(output) is not list:
        yield _fault(f"/{key}", f"`{key}` is {json_type(output)}; it takes a list of one message")
    elif len(output) != 1:
        what = f"has {len(output)} messages" if output else "is empty"
        yield _fault(f"/{key}", f"`{key}` {what}; it takes a list of one message")
    else:
        yield from _answer_faults(key, f"/{key}/0", output[0])
        yield from _parts_faults(f"`{key}`", f"/{key}", output)


def _trl_faults(value: Mapping[str, Any], example: Example, *, strict: bool) -> Iterator[SchemaFault]:
    """`strict`: the target takes OpenAI's shape, which has room for less."""
    first, *answers = MEMBERS[TRL]
    missing = [key for key in answers if key not in value]
    if missing:
        yield _fault("", f"no {_names(missing, 'and no')}; a preference record has {_names(MEMBERS[TRL], 'and')}")
    kinds: dict[str, Any] = {}
    for key in (first, *answers):
        if key not in value:
            continue
        item = value[key]
        if type(item) is not str and type(item) is not list:
            yield _fault(f"/{key}", f"`{key}` is {json_type(item)}; it takes a text or a list of messages")
        elif not item or (type(item) is str and item.isspace()):
            yield _fault(f"/{key}", f"`{key}` is {'only white space' if item else 'empty'}")
        else:
            kinds[key] = type(item)
    if any(key not in kinds for key in answers):
        return
    if kinds[answers[0]] is not kinds[answers[1]]:
        one, other = ("a text" if kinds[key] is str else "a list of messages" for key in answers)
        yield _fault(f"/{answers[0]}", f"`{answers[0]}` is {one} and `{answers[1]}` {other}")
        return
    in_messages = kinds[answers[0]] is list
    alone = example.prompt_size == 0
    if first in kinds and kinds[first] is list and not in_messages:
        yield _fault(f"/{first}", "`prompt` is a list of messages, and `chosen` and `rejected` are texts")
    elif in_messages and kinds.get(first) is str and not _shared(value[answers[0]], value[answers[1]]):
        yield _fault(f"/{first}", "`prompt` is a text, and `chosen` and `rejected` are lists of messages")
    elif first not in value and alone and (in_messages or strict):
        yield _fault("", "no `prompt`, and no message with which both `chosen` and `rejected` begin")
    if not in_messages:
        return
    for key, messages, place, start in (
        (answers[0], chosen_of(example), "/messages", example.prompt_size),
        (answers[1], example.rejected or [], "/rejected", 0),
    ):
        if strict and len(messages) != 1:
            yield _fault(f"/{key}", f"`{key}` has {len(messages)} messages after the prompt; one is taken")
        if messages:
            yield from _answer_faults(key, f"{place}/{start + len(messages) - 1}", messages[-1])
        if strict:
            yield from _parts_faults(f"`{key}`", place, messages, start)
    if strict:
        yield from _parts_faults("`prompt`", "/messages", example.messages[: example.prompt_size])


def _answer_faults(key: str, pointer: str, message: Any) -> Iterator[SchemaFault]:
    """What is wrong with the message that ends an answer."""
    if type(message) is not dict:
        yield _fault(pointer, f"`{key}` holds {json_type(message)} where a message belongs")
        return
    role = message.get("role")
    if "role" not in message:
        yield _fault(pointer, f"the message of `{key}` has no `role`")
    elif role != "assistant":
        what = f"{shown(role, 40)!r}" if type(role) is str else json_type(role)
        yield _fault(f"{pointer}/role", f"the role in `{key}` is {what}; an answer is the assistant's")
    content = message.get("content")
    if message.get("tool_calls") or message.get("function_call"):
        return
    if content is None:
        yield _fault(pointer, f"the message of `{key}` has no content")
    elif type(content) is not str and type(content) is not list:
        yield _fault(f"{pointer}/content", f"the content of `{key}` is {json_type(content)}; it takes a text")
    else:
        parts = content if type(content) is list else [content]
        texts = [str(part["text"] if type(part) is dict else part) for part in parts if _is_text(part)]
        if len(texts) == len(parts) and all(not text or text.isspace() for text in texts):
            yield _fault(f"{pointer}/content", f"`{key}` is {'only white space' if any(texts) else 'empty'}")


def _parts_faults(what: str, place: str, messages: Sequence[Any], start: int = 0) -> Iterator[SchemaFault]:
    """Content parts of `messages` that are no text; the first message stands at `start` of `place`."""
    for i, message in enumerate(messages, start):
        content = message.get("content") if type(message) is dict else None
        for j, part in enumerate(content if type(content) is list else ()):
            if not _is_text(part):
                kind = part.get("type") if type(part) is dict else None
                found = f"a part of type {shown(kind, 40)!r}" if type(kind) is str else json_type(part)
                yield _fault(f"{place}/{i}/content/{j}", f"{what} holds {found}; preference records take text alone")


def _shared(chosen: Sequence[Any], rejected: Sequence[Any]) -> bool:
    return shared_prompt(chosen, rejected) > 0


def shared_prompt(chosen: Sequence[Any], rejected: Sequence[Any]) -> int:
    """With how many equal messages both lists begin; the last message of either is an answer at any rate."""
    most = min(len(chosen), len(rejected)) - 1
    return next((i for i in range(most) if chosen[i] != rejected[i]), max(most, 0))


def _fault(pointer: str, problem: str) -> SchemaFault:
    return SchemaFault(_CODE, pointer, {"problem": problem})


def _names(keys: Sequence[str], word: str) -> str:
    """The keys in words; `word` stands between the last two, and, where it is a negation, between all."""
    named = [f"`{key}`" for key in keys]
    if " " in word:
        return f" {word} ".join(named)
    return f"{', '.join(named[:-1])} {word} {named[-1]}" if len(named) > 1 else named[0]


# --- mending one ----------------------------------------------------------------------------------------------------


def in_place(example: Example, value: Any, edits: Sequence[Edit]) -> list[Edit] | None:
    """The edits of a preference record `value` that do what `edits` of its chat form ask for; None if there are none
    that leave it a pair, as where a whole message would go away."""
    out: list[Edit] = []
    for edit in edits:
        if isinstance(edit, Replace) and not edit.pointer:
            # The whole record: another pair, or the chat form, which is half of this one.
            if type(edit.value) is not dict or "messages" in edit.value:
                return None
            out.append(edit)
        elif isinstance(edit, Replace | Substitute | Remove):
            places = _places(example, value, edit.pointer)
            if not places or not all(_fits(edit, value, place) for place in places):
                return None
            out += [replace(edit, pointer=place) for place in places]
        else:
            return None
    return out


def _places(example: Example, value: Any, pointer: str) -> list[str]:
    """Where what stands at `pointer` of the chat form stands in the record: twice, if it is part of a prompt with which
    both answers begin, and once more if that is the prompt as a text, too."""
    place = (example.origins or {}).get(pointer)
    if place is None:
        return []
    head, number, *_ = [*pointer.split("/")[1:], "", ""]
    of_prompt = head == "messages" and number.isdigit() and int(number) < example.prompt_size
    if example.format != TRL or not of_prompt or not place.startswith("/chosen/"):
        return [place]
    places = [place, place.replace("/chosen/", "/rejected/", 1)]
    if "prompt" not in value:
        return places
    try:
        again = pointers.resolve(value, place) == value["prompt"]
    except (KeyError, IndexError, ValueError, TypeError):
        again = False
    # Of another text it is not known what would have to change in it.
    return [*places, "/prompt"] if again else []


def _fits(edit: Replace | Substitute | Remove, value: Any, place: str) -> bool:
    """Whether `edit` does at `place` of `value` what it does in the chat form."""
    try:
        old = pointers.resolve(value, place)
        holder = pointers.resolve(value, place.rpartition("/")[0])
    except (KeyError, IndexError, ValueError, TypeError):
        return False
    if isinstance(edit, Remove):
        # Of a message its members may go, and so may members of the record that rules point at by their own names.
        return type(holder) is dict and place.rpartition("/")[2] == edit.pointer.rpartition("/")[2]
    if isinstance(edit, Substitute):
        return type(old) is str
    if type(old) is str and type(edit.value) is str and place[1:] in MEMBERS[TRL] and type(value.get("chosen")) is str:
        # Texts are put together as they are: " blue." behind "The sky is".
        return _ends(old) == _ends(edit.value)
    return type(old) is type(edit.value)


def _ends(text: str) -> tuple[str, str]:
    """The white space at both ends."""
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
