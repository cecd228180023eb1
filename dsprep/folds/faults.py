"""Rules that report what was found before them: by the source while reading, or by the check against the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dsprep.model.batch import Batch, Feature
from dsprep.model.chat import SchemaFault
from dsprep.model.finding import Finding
from dsprep.model.fix import Fix
from dsprep.model.record import Fault
from dsprep.model.rule import ExampleRule
from dsprep.text.schema import schema_faults


def _by_kind(batch: Batch) -> dict[str, list[tuple[int | None, Fault]]]:
    kinds: dict[str, list[tuple[int | None, Fault]]] = {}
    for fault in batch.faults:
        kinds.setdefault(fault.kind, []).append((None, fault))
    for i, record in enumerate(batch.records):
        if record.faults:
            for fault in record.faults:
                kinds.setdefault(fault.kind, []).append((i, fault))
    return kinds


#: The faults that the source saw in a batch, by kind, each with the index of its record (None: the file as a whole).
FAULTS_BY_KIND: Feature[dict[str, list[tuple[int | None, Fault]]]] = Feature("faults-by-kind", _by_kind)


class SourceFaultRule(ExampleRule):
    """A rule that reports the source's faults of its own name. `arguments` and `remedy` say what it makes of one."""

    def find(self, batch: Batch) -> Iterator[Finding]:
        for i, fault in batch.get(FAULTS_BY_KIND).get(self.meta.name, ()):
            yield self.finding(
                batch.fault_location(fault, i),
                key=None if i is None else batch.key(i),
                args=self.arguments(fault),
                fix=self.remedy(batch, i, fault),
            )

    @staticmethod
    def arguments(fault: Fault) -> Mapping[str, Any]:
        """The finding's args: those of the fault, with what the message needs besides."""
        return fault.args

    def remedy(self, batch: Batch, i: int | None, fault: Fault) -> Fix | None:
        """What would mend `fault` of the i-th record, or of the file if `i` is None."""
        return None


class SchemaFaultRule(ExampleRule):
    """A rule that reports the schema faults of its own code."""

    def find(self, batch: Batch) -> Iterator[Finding]:
        code = self.meta.code
        for i, fault in batch.get(schema_faults(self.context.target)):
            if fault.code == code:
                yield self.at(batch, i, fault.pointer, args=self.arguments(fault), fix=self.remedy(fault))

    def arguments(self, fault: SchemaFault) -> Mapping[str, Any]:
        """The finding's args: those of the fault, with what the message needs besides."""
        return fault.args

    def remedy(self, fault: SchemaFault) -> Fix | None:
        """What would mend `fault`."""
        return None
