"""What the shape of a batch's records says, computed once for all rules: schema faults, and who speaks when."""

from __future__ import annotations

from dsprep.model import pointer as pointers
from dsprep.model.batch import Batch, Feature
from dsprep.model.chat import SchemaFault, chat_schema, role_group
from dsprep.model.record import UNDECODED, Example, Record
from dsprep.model.target import Target

#: The groups (see `model.chat.role_group`) of a conversation's messages, in order; an empty string stands for a message
#: without a role that can be read.
RolePattern = tuple[str, ...]


def schema_faults(target: Target) -> Feature[list[tuple[int, SchemaFault]]]:
    """The schema faults of a batch's records: pairs of the record's index in the batch and the fault.

    Pointers are into the chat form. A record that was not decoded has none: an encoding rule speaks of it.
    """

    def compute(batch: Batch) -> list[tuple[int, SchemaFault]]:
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

    key = ("schema-faults", target.record_keys, target.message_keys, target.roles, target.weighted_roles)
    return Feature(key, compute)


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
        if example is None:
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


def _role(message: object) -> str | None:
    role = message.get("role") if isinstance(message, dict) else None
    return role if isinstance(role, str) else None


#: The role patterns of a batch's conversations, each with the indexes of the examples that have it, so that a rule
#: about the order of roles looks at each pattern once. Examples without a message have the empty pattern.
ROLE_PATTERNS: Feature[dict[RolePattern, list[int]]] = Feature("role-patterns", _role_patterns)
