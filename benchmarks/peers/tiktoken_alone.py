"""The floor of everything that counts tokens: read each line with the standard library, encode each text once.

python benchmarks/peers/tiktoken_alone.py DATA.jsonl
"""

from __future__ import annotations

import json
import sys

import tiktoken


def main() -> None:
    encode = tiktoken.get_encoding("cl100k_base").encode_ordinary
    tokens = 0
    with open(sys.argv[1], encoding="utf-8", newline="\n") as lines:
        for line in lines:
            for message in json.loads(line)["messages"]:
                tokens += len(encode(message["content"]))
    print(tokens, "tokens")


if __name__ == "__main__":
    main()
