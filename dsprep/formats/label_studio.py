"""Exports of Label Studio: tasks as JSON, with `data` and `annotations`, or as JSON-MIN, one annotation a record.

Shape: Label Studio, "Label Studio JSON format of annotated tasks", and its converter, which writes a JSON-MIN record as
the task's data, `id`, the answers, `annotator` and so on, in this order.
"""

from __future__ import annotations

from typing import Any, Final

from dsprep.model import pointer as pointers
from dsprep.text.annotations import Annotated, Kind, Tally, answer_text

NAME: Final = "label-studio"

#: What a JSON-MIN record has behind the answers.
_OF_ANNOTATION: Final = ("annotator", "annotation_id", "created_at", "updated_at", "lead_time")

#: Kinds of answers, with the member of `value` that holds them. Others are regions: boxes, spans and the like.
_ANSWERS: Final[dict[str, tuple[str, Kind]]] = {
    "choices": ("choices", "class"),
    "taxonomy": ("taxonomy", "class"),
    "rating": ("rating", "class"),
    "number": ("number", "class"),
    "textarea": ("text", "text"),
}


def recognises(value: dict[str, Any]) -> bool:
    """Whether `value` is a task with annotations, or an annotation of a small export."""
    if type(value.get("data")) is dict and type(value.get("annotations")) is list:
        return "messages" not in value
    return "annotation_id" in value and "annotator" in value and "lead_time" in value and "id" in value


def flattened(value: dict[str, Any]) -> Annotated | None:
    """A task as a row, with the answer that most annotators gave; None if it is no task. Annotations that were given up
    (`was_cancelled`) are counted and do not count otherwise."""
    if not recognises(value):
        return None
    data = value.get("data")
    if type(data) is not dict:
        return _of_one(value)
    tally = Tally()
    for i, annotation in enumerate(value["annotations"]):
        if type(annotation) is not dict:
            continue
        if annotation.get("was_cancelled"):
            tally.cancelled += 1
            continue
        tally.annotators += 1
        results = annotation.get("result")
        said: dict[str, tuple[list[str], Kind, str]] = {}
        for j, result in enumerate(results if type(results) is list else ()):
            found = _answer(result)
            if found is not None:
                question, answer, kind = found
                origin = f"/annotations/{i}/result/{j}/value/{_ANSWERS[result['type']][0]}"
                said.setdefault(question, ([], kind, origin))[0].append(answer)
        for question, (answers, kind, origin) in said.items():
            tally.said(question, ("\n" if kind == "text" else ", ").join(answers), kind, origin)
    asked = {name: (item, pointers.join(["data", name])) for name, item in data.items()}
    return tally.annotated(asked, {"task": (value["id"], "/id")} if "id" in value else {})


def _answer(result: Any) -> tuple[str, str, Kind] | None:
    """Question, answer and kind of one result; None for regions and what is empty."""
    value = result.get("value") if type(result) is dict else None
    kind = result.get("type") if type(value) is dict else None
    question = result.get("from_name") if type(kind) is str else None
    if type(value) is not dict or kind not in _ANSWERS or type(question) is not str:
        return None
    if "start" in value or "x" in value:
        return None  # said of a part of the text, or of the picture
    member, sort = _ANSWERS[kind]
    said = value.get(member)
    if kind == "taxonomy" and type(said) is list:
        said = [" > ".join(map(str, path)) if type(path) is list else path for path in said]
    if kind == "textarea" and type(said) is list and all(type(item) is str for item in said):
        said = "\n".join(said)
    text = answer_text(said)
    return None if text is None else (question, text, sort)


def _of_one(value: dict[str, Any]) -> Annotated:
    """A record of a JSON-MIN export. Those of one task have its id in `task`."""
    names = list(value)
    begin, end = names.index("id"), names.index("annotator")
    questions = names[begin + 1 : end] if begin < end else []
    tally = Tally(annotators=1)
    for question in questions:
        said = value[question]
        kind: Kind = "either"
        if type(said) is dict and len(said) == 1:
            # Several answers stand under the name of their kind.
            (sort, said), *_ = said.items()
            kind = "class" if sort in _ANSWERS else kind
        elif type(said) in (int, float):
            kind = "class"
        if type(said) is list:
            said = [" > ".join(map(str, path)) if type(path) is list else path for path in said]
        tally.said(question, answer_text(said), kind, pointers.join([question]))
    left = [name for name in names if name not in questions and name not in _OF_ANNOTATION and name != "id"]
    asked = {name: (value[name], pointers.join([name])) for name in left}
    return tally.annotated(asked, {"task": (value["id"], "/id")})
