"""What the rules about personal data and secrets share: they mask what they show, and redact as a fix."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, Fix, Substitute
from dsprep.model.rule import ExampleRule
from dsprep.text.sensitive.arguments import ARGUMENTS, ArgumentTurns, within_json
from dsprep.text.sensitive.spots import Spot

_SHOWN = 3


class SensitiveRule(ExampleRule):
    """Base of the rules that find spots in texts: write `suspects` and `spots`.

    One finding a text, with `count`, `what` (the first few, masked), `kinds` (of what kind they are) and a masked
    excerpt. A text with nothing but weak spots is worth an info.
    """

    @abstractmethod
    def suspects(self, batch: Batch) -> Iterable[int]:
        """The texts of `batch.turns` that may hold something, ascending: a quick test of all of them at once. It is
        asked of the messages, then of the arguments of tool calls."""

    @abstractmethod
    def spots(self, text: str) -> Iterable[Spot]:
        """What `text` holds."""

    def find(self, batch: Batch) -> Iterator[Finding]:
        yield from self._find(batch)
        arguments = batch.get(ARGUMENTS)
        if arguments is not None:
            yield from self._find(arguments)

    def _find(self, batch: Batch) -> Iterator[Finding]:
        turns = batch.turns
        for turn in self.suspects(batch):
            text = turns.text[turn]
            own = list(self.spots(text))
            if not own:
                continue
            # Most runs find nothing, and need neither.
            from dsprep.text.sensitive.redaction import cuts, excerpt, shown
            from dsprep.text.sensitive.together import unclaimed

            found = unclaimed(text, own)
            if not found:
                continue
            row, pointer = turns.row[turn], turns.pointer(turn)
            # The same thing twice is said once.
            what = list(dict.fromkeys(shown(text, spot) for spot in found))
            if len(what) > _SHOWN:
                what[_SHOWN:] = [f"{len(what) - _SHOWN} others"]
            kinds = Counter(spot.name for spot in found)
            instead = cuts(text, found, self.context.pseudonym_key)
            if isinstance(turns, ArgumentTurns) and turns.json[turn]:
                instead = within_json(text, instead)
            yield self.finding(
                batch.location(row, pointer),
                key=batch.key(row),
                args={
                    "what": ", ".join(what),
                    "count": len(found),
                    "kinds": ", ".join(name if n == 1 else f"{name} × {n}" for name, n in kinds.most_common()),
                    "excerpt": excerpt(text, found[0]),
                },
                fix=Fix(Applicability.UNSAFE, (Substitute(pointer, instead),)),
                severity=Severity.INFO if all(spot.weak for spot in found) else self.severity,
            )
