"""What every row is known by in another version of the data: by all it says, and by parts of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dsprep.folds.keyed import split_column
from dsprep.model.batch import Batch
from dsprep.model.moving import Shift
from dsprep.model.record import UNDECODED, Record
from dsprep.model.rule import Columns
from dsprep.text.content import content_key
from dsprep.text.normal import FORMS, SYSTEM_ROLES, canonical, columns_of, fold_all, key_of

#: Members that are an id by their name, the likeliest first; and what else looks like one (`textID`, `review_id`, but
#: not `paid`), unless it is the id of something that has many rows.
IDS: Final = ("id", "_id", "uuid", "guid", "custom_id", "example_id", "record_id", "row_id", "sample_id")
_LIKE_AN_ID: Final = re.compile(r"(?:.*[ _-](?:id|ID|Id|uuid|guid)|.*[a-z](?:ID|Id))\Z", re.DOTALL)
_OF_MANY: Final = re.compile(r"user|author|session|group|parent|topic|category|customer|account|thread", re.IGNORECASE)
#: Keys of a row, each uint64 of shape (n, 2) and zero where there is none, in the order of `RowIdentitiesFold.map`.
KEYS: Final = ("content", "learnt", "prompt", "question", "answer", "telling", "id")
#: An answer of fewer bytes, such as a label, says nothing of which row it belongs to.
SHORTEST_ANSWER: Final = 16
_NONE: Final = bytes(16)


class RowIdentitiesFold:
    """Columns per row: `row` (row key), `split` (its name as bytes) and KEYS: `content` of the record as it stands (see
    text.content), `learnt` of its conversation, whatever stands beside that (a label, an id), `prompt` of everything
    before the answer, folded, `question` of what is said before the answer by others than the system and the assistant,
    folded, `answer` of the answer, folded, `telling` the same if it is long enough to say which row it belongs to, and
    `id` of the member that is one. A row that is no conversation has content and id alone; empty lines are no rows.

    `id_member` is the member that holds the id; without one, it is the first that looks like an id. The state is a
    list of such pieces, as a KeyedRule's.
    """

    def __init__(self, id_member: str | None = None) -> None:
        self.id_member = id_member

    def empty(self) -> list[Columns]:
        return []

    def map(self, batch: Batch) -> list[Columns]:
        keep = np.array([i for i, record in enumerate(batch.records) if not record.blank], np.int64)
        if not len(keep):
            return []
        n = len(batch)
        forms = batch.get(FORMS)
        learnt, prompt, question, answer, telling = (np.zeros((n, 2), np.uint64) for _ in range(5))
        learnt[forms.index] = columns_of([_conversation(batch, i) for i in forms.index.tolist()])
        asks = forms.index[forms.asks]
        prompt[asks] = forms.prompt[forms.asks]
        long = forms.said >= SHORTEST_ANSWER
        answer[forms.index] = forms.answer
        telling[forms.index[long]] = forms.answer[long]
        question[asks] = _questions(batch)[asks]
        columns = {
            "content": columns_of([content_key(record) for record in batch.records]),
            "learnt": learnt,
            "prompt": prompt,
            "question": question,
            "answer": answer,
            "telling": telling,
            "id": columns_of([self._id(record) for record in batch.records]),
        }
        return [
            {
                "row": batch.keys[keep],
                "split": split_column(batch, keep),
                **{name: np.ascontiguousarray(column[keep]) for name, column in columns.items()},
            }
        ]

    def merge(self, a: list[Columns], b: list[Columns]) -> list[Columns]:
        return a + b

    def moved(self, state: list[Columns], shift: Shift) -> list[Columns]:
        return shift.pieces(state)

    def _id(self, record: Record) -> bytes:
        value = record.value
        if value is UNDECODED or not isinstance(value, Mapping):
            return _NONE
        name = self.id_member or _id_among(value)
        found: Any = None if name is None else value.get(name)
        if found is None or found == "" or name is None:
            return _NONE
        # In a table 7 is a text.
        written = canonical(str(found) if type(found) is int else found)
        return _NONE if written is None else key_of(name.encode("utf-8", "surrogatepass") + b"\0" + written)


def _conversation(batch: Batch, i: int) -> bytes:
    example = batch.examples[i]
    assert example is not None
    written = canonical([example.messages, example.tools, example.rejected])
    return key_of(written) if written is not None else content_key(batch.records[i])


def _id_among(value: Mapping[str, Any]) -> str | None:
    name = next((name for name in IDS if name in value), None)
    if name is not None:
        return name
    return next((name for name in value if _LIKE_AN_ID.match(name) and not _OF_MANY.search(name)), None)


def _questions(batch: Batch) -> NDArray[np.uint64]:
    """Per record, the key of the texts of its users and tools before the last answer; zero where there are none."""
    out = np.zeros((len(batch), 2), np.uint64)
    turns = batch.turns
    kinds = {role: role.strip().lower().encode("utf-8", "surrogatepass") for role in set(turns.role)}
    said = [kinds[role] for role in turns.role]
    places = list(zip(turns.row, turns.message, said, strict=True))
    last = {row: message for row, message, kind in places if message >= 0 and kind == b"assistant"}
    asked = [
        i
        for i, (row, message, kind) in enumerate(places)
        if 0 <= message < last.get(row, message + 1) and kind != b"assistant" and kind not in SYSTEM_ROLES
    ]
    texts: dict[int, list[bytes]] = {}
    for i, text in zip(asked, fold_all([turns.text[i] for i in asked]), strict=True):
        texts.setdefault(turns.row[i], []).append(text)
    rows = list(texts)
    if rows:
        out[rows] = columns_of([key_of(b"\x1f".join(texts[row])) for row in rows])
    return out


def no_identities() -> dict[str, NDArray[Any]]:
    """The columns of no rows."""
    keys = {name: np.empty((0, 2), np.uint64) for name in KEYS}
    return {"row": np.empty(0, np.uint64), "split": np.empty(0, "S1"), **keys}
