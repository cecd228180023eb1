"""Exports of Argilla: records with `fields`, `responses`, `suggestions` and `metadata`, nested or flattened.

Shape: Argilla 2, `Dataset.records.to_json` and `to_list(flatten=True)`; Argilla 1, FeedbackRecord, in which responses
are lists by annotator.
"""

from __future__ import annotations

from typing import Any, Final

from dsprep.model import pointer as pointers
from dsprep.text.annotations import Annotated, Kind, Tally, answer_text

NAME: Final = "argilla"

#: How a response ends that was given up, or that is not finished.
_GIVEN_UP: Final = frozenset({"discarded", "draft", "missing"})
_RESPONSES, _SUGGESTION = ".responses", ".suggestion"


def recognises(value: dict[str, Any]) -> bool:
    """Whether `value` is a record with fields that were, or were to be, annotated."""
    if type(value.get("fields")) is dict:
        return type(value.get("responses")) in (dict, list) or type(value.get("suggestions")) in (dict, list)
    return "_server_id" in value and any(key.endswith((_RESPONSES, _SUGGESTION)) for key in value)


def flattened(value: dict[str, Any]) -> Annotated | None:
    """A record as a row, with the answer that most annotators gave, or, where nobody answered, the one that was
    suggested to them; then the row has no annotators. None if it is no record of Argilla's."""
    if not recognises(value):
        return None
    fields = value.get("fields")
    if type(fields) is not dict:
        return _of_columns(value)
    tally = Tally()
    responses = value.get("responses")
    if type(responses) is dict:
        for question, answers in responses.items():
            for i, answer in enumerate(answers if type(answers) is list else ()):
                if type(answer) is dict:
                    _count(tally, question, answer, answer.get("status"), ["responses", question, i, "value"])
        tally.annotators = max(map(len, tally.votes.values()), default=0)
    else:
        for i, response in enumerate(responses if type(responses) is list else ()):
            said = response.get("values") if type(response) is dict else None
            if type(said) is not dict or response.get("status") in _GIVEN_UP:
                tally.cancelled += 1
                continue
            tally.annotators += 1
            for question, answer in said.items():
                if type(answer) is dict:
                    _count(tally, question, answer, None, ["responses", i, "values", question, "value"])
    _suggested(tally, value.get("suggestions"))
    asked = {name: (item, pointers.join(["fields", name])) for name, item in fields.items()}
    metadata = value.get("metadata")
    beside = {name: (item, pointers.join(["metadata", name])) for name, item in _items(metadata)}
    return tally.annotated(asked, {**_named(value), **beside})


def _count(tally: Tally, question: Any, answer: dict[str, Any], status: Any, path: list[str | int]) -> None:
    if status in _GIVEN_UP:
        tally.cancelled += 1
        return
    text, kind = _answer(answer.get("value"))
    if type(question) is str:
        tally.said(question, text, kind, pointers.join(path))


def _suggested(tally: Tally, suggestions: Any) -> None:
    """What was suggested, to questions that nobody answered."""
    found: list[tuple[Any, Any, list[str | int]]] = []
    if type(suggestions) is dict:
        found = [(name, item, ["suggestions", name]) for name, item in suggestions.items()]
    elif type(suggestions) is list:
        found = [
            (item.get("question_name"), item, ["suggestions", i])
            for i, item in enumerate(suggestions)
            if type(item) is dict
        ]
    for question, item, path in found:
        if type(question) is str and type(item) is dict and question not in tally.votes:
            text, kind = _answer(item.get("value"))
            tally.said(question, text, kind, pointers.join([*path, "value"]))


def _of_columns(value: dict[str, Any]) -> Annotated:
    """A flattened record."""
    tally = Tally()
    used = {"id", "status", "_server_id"}
    for key, answers in value.items():
        if key.endswith(_RESPONSES) and type(answers) is list:
            question = key.removesuffix(_RESPONSES)
            states = value.get(f"{key}.status")
            for i, answer in enumerate(answers):
                status = states[i] if type(states) is list and i < len(states) else None
                _count(tally, question, {"value": answer}, status, [key, i])
    tally.annotators = max(map(len, tally.votes.values()), default=0)
    for key, item in value.items():
        if key.endswith(_SUGGESTION) and (question := key.removesuffix(_SUGGESTION)) not in tally.votes:
            text, kind = _answer(item)
            tally.said(question, text, kind, pointers.join([key]))
        if _RESPONSES in key or _SUGGESTION in key:
            used.add(key)
    asked = {name: (item, pointers.join([name])) for name, item in value.items() if name not in used}
    return tally.annotated(asked, _named(value))


def _answer(value: Any) -> tuple[str | None, Kind]:
    """An answer as a text, and its kind. Rankings are written best first; spans are no answers to a whole text."""
    if (
        type(value) is list
        and value
        and all(type(item) is dict and "rank" in item and "value" in item for item in value)
    ):
        ranked = sorted(value, key=lambda item: item["rank"] if type(item["rank"]) in (int, float) else len(value))
        return " > ".join(str(item["value"]) for item in ranked), "class"
    return answer_text(value), "either" if type(value) is str else "class"


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if type(value) is dict else []


def _named(value: dict[str, Any]) -> dict[str, tuple[Any, str]]:
    """The record's own id."""
    key = next((name for name in ("id", "external_id") if value.get(name) is not None), None)
    return {} if key is None else {"record": (value[key], f"/{key}")}
