"""Clean real text of many kinds, as chat records, from public repositories of known commits.

    python benchmarks/calibration/corpora.py --clones FOLDER [--out FOLDER] [--rows 4000]

`--clones` holds a clone of each repository of `CLONES` under its name (`git clone` them there; the commit named is
read, whatever is checked out). Written is one file a kind, `maths.jsonl`, `code.jsonl` … The same commits give the same
bytes. Nothing of the text is part of this repository.

Clean means: no row twice, and of the faults that a source is known to have, those that would be true findings are
mended here, each where it says so. What is left is the text as people and models wrote it.
"""

from __future__ import annotations

import argparse
import html
import json
import random
import re
import subprocess
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

Row = dict[str, Any]

#: Repository (clone it as its last part) and commit.
CLONES: Final = {
    "openai/grade-school-math": "3101c7d5072418e28b9008a6636bde82a006892c",
    "sahil280114/codealpaca": "2f78ddc5c682ed6738ad092bbbfa59ba915afcb0",
    "google-deepmind/xquad": "7d30520c717524000f0d9d2f9c10a069acd9d285",
    "scrapinghub/article-extraction-benchmark": "4a3bc979f76c0df73cb95fe272e2fc1b96f9f010",
    "UniversalDependencies/UD_Persian-Seraji": "e53af38f4adc0edcdc056b8a2378cad791dc322a",
    "UniversalDependencies/UD_Thai-PUD": "516638d39adfbc03fa3e7f7b33ce59555055a2d9",
    "UniversalDependencies/UD_Hebrew-IAHLTwiki": "29402e7c2727fb8fd181ab3ad1a800561fbff69a",
    "UniversalDependencies/UD_Japanese-GSD": "7bc20119f476b552635e0640644e577b6fd3606b",
    "UniversalDependencies/UD_Korean-PUD": "9bc99c21a00b88d44def216b64f898e4b6151d0d",
    "cardiffnlp/tweeteval": "4fbd22cd78421f05b1ecdb4fc5725bc7a7bd8f66",
    "tatsu-lab/alpaca_eval": "cd543a149df89434d8a54582c0151c0b945c3d20",
    "ShishirPatil/gorilla": "6ea57973c7a6097fd7c5915698c54c17c5b1b6c8",
}
KINDS: Final[dict[str, Callable[[Clones], Iterator[Row]]]] = {}


class Clones:
    """Files of the repositories, at the commits that are named."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def text(self, repository: str, path: str) -> str:
        """The text of a file."""
        clone = self._folder / repository.rpartition("/")[2]
        found = subprocess.run(
            ["git", "-C", str(clone), "show", f"{CLONES[repository]}:{path}"], capture_output=True, check=False
        )
        if found.returncode:
            raise SystemExit(f"{clone}: {found.stderr.decode().strip()}; clone {repository} there")
        return found.stdout.decode("utf-8")

    def lines(self, repository: str, path: str) -> list[str]:
        """Its lines, as a line end of JSON lines has them."""
        return [line for line in self.text(repository, path).split("\n") if line.strip()]


def kind(name: str) -> Callable[[Callable[[Clones], Iterator[Row]]], Callable[[Clones], Iterator[Row]]]:
    def register(build: Callable[[Clones], Iterator[Row]]) -> Callable[[Clones], Iterator[Row]]:
        KINDS[name] = build
        return build

    return register


def chat(asked: str, answered: str) -> Row:
    """A conversation of one turn. White space at the ends of texts is a fault of its own, so it goes."""
    return {
        "messages": [
            {"role": "user", "content": asked.strip()},
            {"role": "assistant", "content": answered.strip()},
        ]
    }


@kind("maths")
def maths(clones: Clones) -> Iterator[Row]:
    """GSM8K: word problems, with `<<48/2=24>>` and `#### 72`."""
    for part in ("train", "test"):
        for line in clones.lines("openai/grade-school-math", f"grade_school_math/data/{part}.jsonl"):
            row = json.loads(line)
            yield chat(row["question"], row["answer"])


@kind("code")
def code(clones: Clones) -> Iterator[Row]:
    """CodeAlpaca: programs without a fence around them."""
    for name in ("new_codealpaca", "code_alpaca_2k"):
        for row in json.loads(clones.text("sahil280114/codealpaca", f"data/{name}.json")):
            yield chat("\n\n".join(filter(None, (row["instruction"], row["input"]))), row["output"])


def _answers(model: str) -> Callable[[Clones], Iterator[Row]]:
    def build(clones: Clones) -> Iterator[Row]:
        for row in json.loads(clones.text("tatsu-lab/alpaca_eval", f"results/{model}/model_outputs.json")):
            yield chat(row["instruction"], row["output"])

    return build


# Answers in Markdown, with fences, tables, tags and lists, to the 805 instructions of AlpacaEval; by several models.
kind("chat")(_answers("gpt4_1106_preview"))
kind("chat-b")(_answers("claude-3-5-sonnet-20240620"))
kind("chat-c")(_answers("Mixtral-8x7B-Instruct-v0.1"))


@kind("multilingual")
def multilingual(clones: Clones) -> Iterator[Row]:
    """XQuAD: of each paragraph, in twelve languages, the first question, and the sentence that answers it; and
    sentences of Universal Dependencies in four more, Persian with its ZWNJ among them."""
    for language in ("ar", "de", "el", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh", "en"):
        for article in json.loads(clones.text("google-deepmind/xquad", f"xquad.{language}.json"))["data"]:
            for paragraph in article["paragraphs"]:
                question = paragraph["qas"][0]
                context, answer = paragraph["context"], question["answers"][0]
                sentence = _around(context, answer["answer_start"])
                yield chat(f"{context}\n\n{question['question']}", sentence)
    for name, part in (
        ("Persian-Seraji", "fa_seraji-ud-test"),
        ("Hebrew-IAHLTwiki", "he_iahltwiki-ud-test"),
        ("Thai-PUD", "th_pud-ud-test"),
        ("Japanese-GSD", "ja_gsd-ud-test"),
        ("Korean-PUD", "ko_pud-ud-test"),
    ):
        found = [
            line.removeprefix("# text =").strip()
            for line in clones.lines(f"UniversalDependencies/UD_{name}", f"{part}.conllu")
            if line.startswith("# text =")
        ]
        # A sentence or two ask, the next ones answer.
        for i in range(0, len(found) - 4, 4):
            yield chat(" ".join(found[i : i + 2]), " ".join(found[i + 2 : i + 4]))


def _around(text: str, place: int) -> str:
    """The sentence of `text` that `place` is in."""
    ends = [0, *(match.end() for match in re.finditer(r"[.!?。！？؟।](?=\s|$)|[。！？]", text)), len(text)]
    start = max(end for end in ends if end <= place)
    return text[start : min(end for end in ends if end > place)]


@kind("tweets")
def tweets(clones: Clones) -> Iterator[Row]:
    """TweetEval: tweets with what feeling they show. Entities such as `&amp;`, which are a true fault, are resolved;
    the repository's escapes (`\\u2019`, `\\n`) are undone."""
    for task in ("sentiment", "emotion"):
        for part in ("test", "train") if task == "emotion" else ("test",):
            names = dict(
                line.split("\t")[:2] for line in clones.lines("cardiffnlp/tweeteval", f"datasets/{task}/mapping.txt")
            )
            texts = clones.text("cardiffnlp/tweeteval", f"datasets/{task}/{part}_text.txt").split("\n")
            labels = clones.text("cardiffnlp/tweeteval", f"datasets/{task}/{part}_labels.txt").split("\n")
            for text, label in zip(texts, labels, strict=True):
                if text.strip():
                    plain = html.unescape(html.unescape(_unescaped(text)))
                    yield chat(f"What does this tweet show?\n\n{plain.strip()}", names[label.strip()])


def _unescaped(text: str) -> str:
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return re.sub(r'\\(n|")', lambda match: "\n" if match[1] == "n" else match[1], text)


@kind("pages")
def pages(clones: Clones) -> Iterator[Row]:
    """Article bodies of 181 pages of the web, taken out by hand: a paragraph or two, and those that follow."""
    truth = json.loads(clones.text("scrapinghub/article-extraction-benchmark", "ground-truth.json"))
    for address in sorted(truth):
        paragraphs = [line.strip() for line in truth[address]["articleBody"].split("\n") if line.strip()]
        for i in range(0, len(paragraphs) - 3, 4):
            asked, answered = "\n\n".join(paragraphs[i : i + 2]), "\n\n".join(paragraphs[i + 2 : i + 4])
            yield chat(f"Continue this article.\n\n{asked}", answered)


_TYPES: Final = {"dict": "object", "float": "number", "tuple": "array", "any": None, "int": "integer", "list": "array"}


@kind("tools")
def tools(clones: Clones) -> Iterator[Row]:
    """The Berkeley function-calling leaderboard: a question, the declared functions and the call that answers it."""
    folder = "berkeley-function-call-leaderboard/bfcl_eval/data"
    for name in ("multiple", "parallel", "parallel_multiple", "simple_python", "live_multiple", "live_simple"):
        answers = {
            row["id"]: row["ground_truth"]
            for line in clones.lines("ShishirPatil/gorilla", f"{folder}/possible_answer/BFCL_v4_{name}.json")
            for row in [json.loads(line)]
        }
        for line in clones.lines("ShishirPatil/gorilla", f"{folder}/BFCL_v4_{name}.json"):
            row = json.loads(line)
            messages = [
                message | {"content": message["content"].strip()} for turn in row["question"] for message in turn
            ]
            if not all(message["content"] for message in messages):
                continue
            calls = []
            for n, call in enumerate(answers[row["id"]]):
                [(called, arguments)] = call.items()
                chosen = {key: _first(values[0]) for key, values in arguments.items() if values and values[0] != ""}
                calls.append(
                    {
                        "id": f"call_{n}",
                        "type": "function",
                        "function": {"name": _tool_name(called), "arguments": json.dumps(chosen)},
                    }
                )
            declared = [
                {
                    "type": "function",
                    "function": {
                        "name": _tool_name(function["name"]),
                        "description": function["description"],
                        "parameters": _schema(function["parameters"]),
                    },
                }
                for function in row["function"]
            ]
            yield {"messages": [*messages, {"role": "assistant", "tool_calls": calls}], "tools": declared}


def _tool_name(name: str) -> str:
    return name.replace(".", "_")[:64]


def _first(value: Any) -> Any:
    """Inside of a parameter that is an object, the leaderboard lists what is right of each member, too."""
    if isinstance(value, dict):
        return {key: _first(item[0] if isinstance(item, list) and item else item) for key, item in value.items()}
    return [_first(item) for item in value] if isinstance(value, list) else value


def _schema(value: Any) -> Any:
    """The leaderboard writes types as Python has them."""
    if isinstance(value, dict):
        out = {key: _schema(item) for key, item in value.items()}
        if isinstance(out.get("type"), str) and out["type"] in _TYPES:
            if _TYPES[out["type"]] is None:
                del out["type"]
            else:
                out["type"] = _TYPES[out["type"]]
        return out
    return [_schema(item) for item in value] if isinstance(value, list) else value


def build(name: str, clones: Clones, rows: int) -> list[Row]:
    """At most so many rows of a kind, drawn from all of them, none of which asks what another does."""
    seen: set[str] = set()
    found: list[Row] = []
    for row in KINDS[name](clones):
        asked = " ".join(unicodedata.normalize("NFKC", row["messages"][-2]["content"]).casefold().split())
        answered = row["messages"][-1].get("content", "-")
        if asked and answered and asked not in seen:
            seen.add(asked)
            found.append(row)
    if len(found) > rows:
        chosen = sorted(random.Random(name).sample(range(len(found)), rows))
        found = [found[i] for i in chosen]
    return found


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clones", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path.home() / ".cache" / "dsprep-calibration")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.kinds:
        found = build(name, Clones(given.clones), given.rows)
        with (given.out / f"{name}.jsonl").open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in found)
        print(f"{name}: {len(found):,} rows")


if __name__ == "__main__":
    main()
