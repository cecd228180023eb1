"""What the shape of a batch's records says, computed once for all rules: schema faults, and who speaks when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dsprep.model import pointer as pointers
from dsprep.model.batch import Batch, Feature
from dsprep.model.chat import SchemaFault, chat_schema, role_group
from dsprep.model.record import UNDECODED, Example, Record
from dsprep.model.target import Target
from dsprep.text.preference import MEMBERS, OLD_NAMES, chosen_of, pair_faults, sft_fault

#: The groups (see `model.chat.role_group`) of a conversation's messages, in order; an empty string stands for a message
#: without a role that can be read.
RolePattern = tuple[str, ...]


def schema_faults(target: Target) -> Feature[list[tuple[int, SchemaFault]]]:
    """The schema faults of a batch's records: pairs of the record's index in the batch and the fault.

    Pointers are into the chat form. A record that was not decoded has none: an encoding rule speaks of it.
    """

    def compute(batch: Batch) -> list[tuple[int, SchemaFault]]:
        if target.format == "preference" or any(_is_pair(example) for example in batch.examples):
            return list(_with_pairs(batch, target))
        schema = chat_schema(target)
        found: list[tuple[int, SchemaFault]] = []
        # A row that is no conversation is None here, which no schema accepts.
        for i in schema.doubtful([None if example is None else example.record for example in batch.examples]):
            record, example = batch.records[i], batch.examples[i]
            if example is not None:
                found += [(i, fault) for fault in schema.faults(example.record) if not _carried(fault, example, record)]
            elif record.value is not UNDECODED and not _explained(record):
                found += [(i, fault) for fault in schema.faults(record.value)]
        return found

    key = (
        "schema-faults",
        target.format,
        target.preferences,
        target.record_keys,
        target.message_keys,
        target.roles,
        target.weighted_roles,
    )
    return Feature(key, compute)


def _is_pair(example: Example | None) -> bool:
    return example is not None and example.rejected is not None


def _with_pairs(batch: Batch, target: Target) -> Iterator[tuple[int, SchemaFault]]:
    """The faults of a batch in which there are preference records, or which should have nothing else."""
    pairs = [(i, example) for i, example in enumerate(batch.examples) if example is not None and _is_pair(example)]
    others = [i for i, example in enumerate(batch.examples) if not _is_pair(example)]
    for i, example in pairs:
        yield from ((i, fault) for fault in pair_faults(batch.records[i].value, example, target.preferences))
    if target.preferences is not None:
        # The messages of a pair are judged where the target takes pairs; elsewhere there is more to say than that.
        wholes = [_whole(batch.records[i].value, example) for i, example in pairs]
        schema = chat_schema(target)
        for number in schema.doubtful(wholes):
            i, example = pairs[number]
            yield from ((i, fault) for fault in _of_messages(schema.faults(wholes[number]), example))
    if target.format != "preference":
        rest = batch.with_rows([batch.records[i] for i in others], [batch.examples[i] for i in others])
        yield from ((others[i], fault) for i, fault in rest.get(schema_faults(target)))
        return
    for i in others:
        record = batch.records[i]
        if record.value is UNDECODED or _explained(record):
            continue
        if isinstance(record.value, dict):
            yield i, sft_fault(record.value, batch.examples[i], target)
        else:
            yield from ((i, fault) for fault in chat_schema(target).faults(record.value))


def _whole(value: dict[str, Any], example: Example) -> dict[str, Any]:
    """A preference record as one conversation: its chat form with the rejected answer behind it, and with the keys that
    stand beside the pair."""
    known = MEMBERS[example.format]
    beside = {key: item for key, item in value.items() if key not in known and key not in OLD_NAMES}
    return {**beside, **example.record, "messages": [*example.messages, *(example.rejected or ())]}


def _of_messages(faults: Sequence[SchemaFault], example: Example) -> Iterator[SchemaFault]:
    """Those of the `faults` of `_whole` that are not said already, as faults of the pair, with their place in it."""
    size = len(example.messages)
    for fault in faults:
        path = pointers.split(fault.pointer)
        at = int(path[1]) if path[:1] == ["messages"] and len(path) > 1 else -1
        if fault.code in _OF_SHAPE:
            continue
        if at >= example.prompt_size and (fault.code in _OF_ANSWERS or len(path) < 3 or path[2] == "content"):
            continue
        place = pointers.join(["rejected", at - size, *path[2:]]) if at >= size else fault.pointer
        yield SchemaFault(fault.code, place, fault.args)


#: What the check of the shape says of a pair, and of its answers.
_OF_SHAPE = frozenset({"SCH002", "SCH003"})
_OF_ANSWERS = frozenset({"SCH004", "SCH005", "SCH007"})


def _explained(record: Record) -> bool:
    """Whether it is known already why a row makes no conversation: a cell of it is empty."""
    return any(fault.kind == "missing-value" for fault in record.faults)


def _carried(fault: SchemaFault, example: Example, record: Record) -> bool:
    """Whether `fault` is about a key of a converted record that was there before the conversion.

    What becomes of it is the converter's affair; that the record is none of chat is said already.
    """
    if fault.code != "SCH008" or example.format == "chat" or not isinstance(record.value, dict):
        return False
    path = pointers.split(fault.pointer)
    return len(path) == 1 and path[0] in record.value


def _role_patterns(batch: Batch) -> dict[RolePattern, list[int]]:
    by_roles: dict[tuple[object, ...], list[int]] = {}
    for i, example in enumerate(batch.examples):
        if example is None or (example.rejected is not None and not _is_answered(example)):
            continue
        try:
            # The roles as they stand: looking up what they mean is done once per combination, not once per message.
            by_roles.setdefault(tuple([message["role"] for message in example.messages]), []).append(i)
        except (KeyError, TypeError, IndexError):
            by_roles.setdefault(tuple([_role(message) for message in example.messages]), []).append(i)
    patterns: dict[RolePattern, list[int]] = {}
    for roles, rows in by_roles.items():
        pattern = tuple([role_group(role) if isinstance(role, str) else "" for role in roles])
        patterns.setdefault(pattern, []).extend(rows)
    return patterns


def _is_answered(pair: Example) -> bool:
    """Whether a preference record has a prompt and an answer of the assistant's to it. One without is no conversation:
    its shape is wrong, or its texts hold both."""
    chosen = chosen_of(pair)
    return pair.prompt_size > 0 and bool(chosen) and _role(chosen[-1]) == "assistant"


def _role(message: object) -> str | None:
    role = message.get("role") if isinstance(message, dict) else None
    return role if isinstance(role, str) else None


#: The role patterns of a batch's conversations, each with the indexes of the examples that have it, so that a rule
#: about the order of roles looks at each pattern once. Examples without a message have the empty pattern; preference
#: records without a prompt or without a chosen answer have none.
ROLE_PATTERNS: Feature[dict[RolePattern, list[int]]] = Feature("role-patterns", _role_patterns)
