"""SCH008 unknown-key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dsprep.folds.faults import SchemaFaultRule
from dsprep.model.chat import SchemaFault
from dsprep.model.finding import Severity
from dsprep.model.fix import Applicability, Fix, Remove
from dsprep.model.rule import FixAvailability, RuleMeta

#: Members that `convert` writes beside a conversation.
_OWN = frozenset({"label", "group", "split", "metadata"})


class UnknownKey(SchemaFaultRule):
    """A record, or a message, has a key that the target rejects.

    ## What it does
    Reports keys of the record and of its messages that the target does not list. Targets that ignore other keys are
    never reported. Keys of a record in another format (see `legacy-format`) are not reported either.

    ## Why it matters
    Backends that check their input refuse the whole file because of one such key: an id, a score, a name of the source
    that was useful on the way.

    ## Example
    ```json
    {"id": 7, "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}
    ```

    ## Fix
    Unsafe: the key is removed with its value.

    ## Source
    OpenAI's API reference, the chat format of fine-tuning input; its cookbook, "Data preparation and analysis for chat
    model fine-tuning", reports unrecognised keys of messages.
    """

    meta = RuleMeta(
        code="SCH008",
        name="unknown-key",
        severity=Severity.ERROR,
        message="unknown key `{key}` in the {place}; {target} rejects it{hint}",
        summary="a key the target rejects",
        fix=FixAvailability.ALWAYS,
    )

    def arguments(self, fault: SchemaFault) -> Mapping[str, Any]:
        own = fault.args["place"] == "record" and fault.args["key"] in _OWN
        hint = ", and `dsprep prepare` leaves it out of what it writes" if own else ""
        return {**fault.args, "target": self.context.target.name, "hint": hint}

    def remedy(self, fault: SchemaFault) -> Fix | None:
        return Fix(Applicability.UNSAFE, (Remove(fault.pointer),))
