"""Build a chat corpus of any size: seeded, from real text, with planted duplicates of known similarity.

    python benchmarks/corpus.py OUT.jsonl --examples 52000 [--near 0.08] [--exact 0.02] [--bad 0] [--seed 0]
                                [--text FILE ...]

The text is that of the files given (plain text, or JSON lines, of which all strings are taken), by default the
documentation strings and code of Python's standard library, which every machine has. Each example is a system message
(few different ones), a question around some passages and an answer made of others: prose and code mixed, one in ten
with an answer of a few words, one in ten with a block of code. About 1 kB each.

Planted, and written to OUT.pairs.jsonl (`line` and `of` are 1-based line numbers of OUT.jsonl):

- exact duplicates: an earlier example again. `{"line": 12, "of": 3, "kind": "exact", "similarity": 1.0}`
- near-duplicates: an earlier example with words replaced, in one place or scattered, dropped or put in. `similarity` is
  the exact Jaccard similarity of the sets of word 5-grams (see `grams.py`) of both examples; it is spread evenly from
  0.5 to 1.0. An original never is a copy itself, so a pair's similarity says all there is.
- with --bad, lines that are no valid example: what is wrong goes to OUT.faults.jsonl as
  `{"line": 7, "fault": "unknown-role"}`.

The same arguments, text and Python version give the same bytes. Memory does not grow with the number of examples.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import sysconfig
from collections.abc import Iterator
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

from grams import grams, jaccard

SYSTEMS = [
    "You are a helpful assistant.",
    "You answer questions about software. Be brief and exact.",
    "You are a patient teacher. Explain step by step.",
]
QUESTIONS = [
    "What does this mean?\n\n{}",
    "Explain the following in plain words:\n\n{}",
    "{}\n\nWhat follows from that?",
    "Rewrite this so that a beginner understands it:\n{}",
    "Is this right? {}",
    "Summarise: {}",
]
#: Shares of answers of a few words, and of answers that are a block of code.
SHORT, CODE = 0.1, 0.1
#: Originals of duplicates are drawn from so many earlier examples; of the new ones, such a share takes the place of one
#: of them. So a copy stands some ten thousands of lines behind its original, not next to it.
ORIGINALS, RENEWED = 20_000, 0.3
#: The least similarity of a planted near-duplicate.
LEAST = 0.5

Messages = list[dict[str, str]]


def passages(files: list[Path]) -> list[str]:
    """Paragraphs of 60 to 600 characters."""
    found: list[str] = []
    if files:
        for file in files:
            text = file.read_text("utf-8", "replace")
            if file.suffix == ".jsonl":
                for line in text.split("\n"):
                    for part in strings(json.loads(line)) if line.strip() else ():
                        found += re.split(r"\n\s*\n", part)
            else:
                found += re.split(r"\n\s*\n", text)
    else:
        for file in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
            source = file.read_text("utf-8", "replace")
            found += source.split("\n\n")
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                    found += (ast.get_docstring(node) or "").split("\n\n")
    return [text for text in (piece.strip() for piece in found) if 60 <= len(text) <= 600]


def strings(value: Any) -> Iterator[str]:
    """All strings in a JSON value, names of members apart."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)


class Writer:
    """Makes up examples of about `size` bytes from passages."""

    def __init__(self, texts: list[str], rng: random.Random, size: int) -> None:
        if len(texts) < 100:
            raise SystemExit(f"only {len(texts)} passages of 60 to 600 characters in that text; 100 are needed")
        self.rng = rng
        # What stands around the texts, and the last piece that is begun, take about 290 bytes.
        self.size = max(100, size - 290)
        # All passages as one list of words; what stands between two passages hangs on the last word of the first.
        self.stream = "\n\n\0".join(texts).replace("\0", " ").split(" ")
        self.code = [text for text in texts if "\n    " in text and ("def " in text or " = " in text)] or texts
        self.words = sorted({word for text in texts[:2000] for word in re.findall(r"[a-z]{4,}", text)})

    def sentences(self, size: float) -> str:
        """Text of about `size` characters: pieces of 8 to 40 words, each with one to three words replaced, so that no
        two examples are alike by chance, however many are made."""
        random, stream, words = self.rng.random, self.stream, self.words
        many, known = len(stream) - 40, len(words)
        out: list[str] = []
        length = 0
        while length < size:
            start, count = int(random() * many), 8 + int(random() * 33)
            piece = stream[start : start + count]
            for _ in range(1 + count // 16):
                piece[int(random() * count)] = words[int(random() * known)]
            text = " ".join(piece)
            out.append(text)
            length += len(text) + 1
        return " ".join(out)

    def fresh(self) -> Messages:
        rng = self.rng
        question = rng.choice(QUESTIONS).format(self.sentences(self.size * 0.3)).strip()
        draw = rng.random()
        if draw < SHORT:
            answer = f"{rng.choice(('Yes', 'No', 'Perhaps', 'It depends'))}: {self.sentences(20)}"
        elif draw < SHORT + CODE:
            answer = f"{self.sentences(self.size * 0.3)}\n\n```python\n{rng.choice(self.code)}\n```"
        else:
            answer = self.sentences(self.size * rng.uniform(0.4, 1.0))
        return chat(rng.choice(SYSTEMS), question, answer.strip())

    def altered(self, messages: Messages) -> tuple[Messages, float] | None:
        """An example like `messages`, and its similarity to it; None where that does not come out in range."""
        rng = self.rng
        system, question, answer = (message["content"] for message in messages)
        before = grams(f"{question}\n{answer}")
        goal = rng.uniform(LEAST, 1.0)
        # Of n 5-grams on both sides, so many are to differ.
        different = len(before) * (1 - goal) / (1 + goal)
        # The longer of the two has room for the change.
        text = answer if len(answer) > len(question) else question
        parts = text.split(" ")
        way = rng.choice(("replaced", "scattered", "dropped", "inserted"))
        some = int(
            max(1, different - 4 if way == "replaced" else different / 5 if way == "scattered" else 2 * different)
        )
        if some >= len(parts):
            return None
        at = rng.randrange(len(parts) - some + 1)
        if way == "scattered":
            for i in rng.sample(range(len(parts)), some):
                parts[i] = rng.choice(self.words)
        elif way == "dropped":
            del parts[at : at + some]
        else:
            parts[at : at + (some if way == "replaced" else 0)] = rng.choices(self.words, k=some)
        new = " ".join(parts)
        question, answer = (question, new) if text is answer else (new, answer)
        similarity = jaccard(before, grams(f"{question}\n{answer}"))
        return (chat(system, question, answer), similarity) if LEAST <= similarity < 1 else None


def chat(system: str, question: str, answer: str) -> Messages:
    return [
        {"role": "system", "content": system},
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
    ]


def as_json(messages: Messages) -> str:
    """What `json.dumps({"messages": messages}, ensure_ascii=False)` gives, in a third of the time."""
    inner = ", ".join(f'{{"role": "{m["role"]}", "content": {encode_basestring(m["content"])}}}' for m in messages)
    return f'{{"messages": [{inner}]}}'


def spoilt(messages: Messages, rng: random.Random) -> tuple[str, str]:
    """A line that is no valid example of chat, and what is wrong with it."""
    system, user, assistant = messages
    role, content = assistant["role"], assistant["content"]
    bad: list[tuple[str, Any]] = [
        ("unknown-role", {"messages": [system, {**user, "role": "humna"}, assistant]}),
        ("missing-content", {"messages": [system, {"role": "user"}, assistant]}),
        ("missing-role", {"messages": [system, user, {"content": content}]}),
        ("content-a-number", {"messages": [system, user, {"role": role, "content": 42}]}),
        ("messages-an-object", {"messages": {"role": role, "content": content}}),
        ("no-messages", {"notes": content}),
        ("message-a-string", {"messages": [system, user, content]}),
        ("unknown-key", {"messages": [system, user, {**assistant, "score": 1}]}),
        ("a-list", messages),
    ]
    pick = rng.randrange(len(bad) + 1)
    if pick == len(bad):
        return as_json(messages)[:-2], "broken-json"
    return json.dumps(bad[pick][1], ensure_ascii=False), bad[pick][0]


def build(
    out: Path,
    examples: int,
    *,
    size: int = 1000,
    near: float = 0.08,
    exact: float = 0.02,
    bad: float = 0.0,
    seed: int = 0,
    text: list[Path] | None = None,
) -> None:
    """Write `out`, and beside it the pairs (and faults, if `bad` is more than 0); see the module."""
    rng = random.Random(seed)
    writer = Writer(passages(text or []), rng, size)
    originals: list[tuple[int, Messages]] = []
    with (
        out.open("w", encoding="utf-8", newline="\n") as lines,
        out.with_suffix(".pairs.jsonl").open("w", encoding="utf-8", newline="\n") as pairs,
        out.with_suffix(".faults.jsonl").open("w", encoding="utf-8", newline="\n") as faults,
    ):
        for line in range(1, examples + 1):
            draw = rng.random()
            if draw < bad:
                record, fault = spoilt(writer.fresh(), rng)
                lines.write(f"{record}\n")
                faults.write(f"{json.dumps({'line': line, 'fault': fault})}\n")
                continue
            planted: tuple[Messages, float] | None = None
            if originals and draw < bad + exact + near:
                of, original = rng.choice(originals)
                kind = "exact" if draw < bad + exact else "near"
                planted = (original, 1.0) if kind == "exact" else writer.altered(original)
            if planted is not None:
                messages, similarity = planted
                pair = {"line": line, "of": of, "kind": kind, "similarity": round(similarity, 6)}
                pairs.write(f"{json.dumps(pair)}\n")
            else:
                messages = writer.fresh()
                if len(originals) < ORIGINALS:
                    originals.append((line, messages))
                elif rng.random() < RENEWED:
                    originals[rng.randrange(ORIGINALS)] = (line, messages)
            lines.write(f"{as_json(messages)}\n")
    if not bad:
        out.with_suffix(".faults.jsonl").unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--examples", type=int, default=52_000)
    parser.add_argument("--bytes", type=int, default=1000)
    parser.add_argument("--near", type=float, default=0.08)
    parser.add_argument("--exact", type=float, default=0.02)
    parser.add_argument("--bad", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--text", type=Path, nargs="*", default=[])
    args = parser.parse_args()
    build(
        args.out,
        args.examples,
        size=args.bytes,
        near=args.near,
        exact=args.exact,
        bad=args.bad,
        seed=args.seed,
        text=args.text,
    )


if __name__ == "__main__":
    main()
