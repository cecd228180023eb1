"""Build a chat corpus of any size: seeded, from real text, with planted duplicates of known similarity.

    python benchmarks/corpus.py OUT.jsonl --examples 50000 [--bytes 1000] [--seed 0] [--text FILE ...]

The text is that of the files given, by default the documentation strings and code of Python's standard library, which
every machine has. Each example is a system message (few different ones), a question around one passage and an answer
made of others; about `--bytes` bytes long. `--near` and `--exact` say which share are planted duplicates: a near one is
an earlier example with a few words replaced, so that its Jaccard similarity over word 5-grams is at least 0.8. What was
planted goes to OUT.planted.json: pairs of line numbers (1-based) with the number of replaced words.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import sysconfig
from pathlib import Path

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


def passages(files: list[Path]) -> list[str]:
    """Paragraphs of 60 to 600 characters."""
    found: list[str] = []
    if files:
        for file in files:
            found += re.split(r"\n\s*\n", file.read_text("utf-8", "replace"))
    else:
        for file in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
            source = file.read_text("utf-8", "replace")
            found += source.split("\n\n")
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                    found += (ast.get_docstring(node) or "").split("\n\n")
    return [text for text in (piece.strip() for piece in found) if 60 <= len(text) <= 600]


def sentences(texts: list[str], rng: random.Random, size: int) -> str:
    """Text of about `size` characters: passages cut and joined, so that no two are alike by chance."""
    out: list[str] = []
    length = 0
    while length < size:
        words = rng.choice(texts).split(" ")
        start = rng.randrange(max(1, len(words) - 8))
        piece = " ".join(words[start : start + rng.randint(8, 40)])
        out.append(piece)
        length += len(piece) + 1
    return " ".join(out)


def altered(text: str, rng: random.Random, words: list[str]) -> tuple[str, int]:
    """`text` with so few words replaced, in one place, that the word 5-gram Jaccard similarity stays above 0.8."""
    parts = text.split(" ")
    grams = max(1, len(parts) - 4)
    # k neighbouring words replaced change at most k + 4 of n 5-grams on each side: J >= (n - k - 4) / (n + k + 4).
    most = int(grams / 9) - 4
    count = max(0, min(most, rng.randint(1, 6)))
    if count <= 0:
        return text, 0
    at = rng.randrange(len(parts) - count)
    for i in range(at, at + count):
        parts[i] = rng.choice(words)
    return " ".join(parts), count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--examples", type=int, default=50_000)
    parser.add_argument("--bytes", type=int, default=1000)
    parser.add_argument("--near", type=float, default=0.05)
    parser.add_argument("--exact", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--text", type=Path, nargs="*", default=[])
    args = parser.parse_args()
    rng = random.Random(args.seed)
    texts = passages(args.text)
    words = sorted({word for text in texts[:2000] for word in re.findall(r"[a-z]{4,}", text)})
    recent: list[tuple[int, list[dict[str, str]]]] = []
    planted: list[dict[str, int | str]] = []
    with args.out.open("w", encoding="utf-8") as out:
        for line in range(1, args.examples + 1):
            draw = rng.random()
            messages: list[dict[str, str]] | None = None
            if recent and draw < args.exact:
                other, messages = rng.choice(recent)
                planted.append({"line": line, "of": other, "kind": "exact", "words": 0})
            elif recent and draw < args.exact + args.near:
                other, messages = rng.choice(recent)
                text, count = altered(messages[2]["content"], rng, words)
                if count:
                    messages = [messages[0], messages[1], {"role": "assistant", "content": text}]
                    planted.append({"line": line, "of": other, "kind": "near", "words": count})
                else:
                    messages = None
            if messages is None:
                size = args.bytes - 180
                question = rng.choice(QUESTIONS).format(sentences(texts, rng, size * 3 // 10))
                answer = sentences(texts, rng, int(size * rng.uniform(0.4, 1.0)))
                messages = [
                    {"role": "system", "content": rng.choice(SYSTEMS)},
                    {"role": "user", "content": question.strip()},
                    {"role": "assistant", "content": answer.strip()},
                ]
                if len(recent) < 2000:
                    recent.append((line, messages))
                else:
                    recent[rng.randrange(2000)] = (line, messages)
            out.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    args.out.with_suffix(".planted.json").write_text(json.dumps(planted), "utf-8")


if __name__ == "__main__":
    main()
