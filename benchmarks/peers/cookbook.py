"""What the public cookbook for preparing chat fine-tuning data checks and counts, as one plain script: the yardstick.

    python benchmarks/peers/cookbook.py DATA.jsonl

It loads the file with the standard library, checks the format of every example, counts tokens with tiktoken's
cl100k_base (all messages, and the assistant's alone), prints distributions, the examples over 16,385 tokens, and the
default epochs with the tokens billed. Where tiktoken's vocabulary file comes from is its own business: set
TIKTOKEN_CACHE_DIR (benchmarks/run.py does).
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict

import numpy as np
import tiktoken

MAX_TOKENS = 16_385
ALLOWED_KEYS = {"role", "content", "name", "function_call", "weight"}
ALLOWED_ROLES = {"system", "user", "assistant", "function"}


def format_errors(dataset):
    errors = defaultdict(int)
    for example in dataset:
        if not isinstance(example, dict):
            errors["data_type"] += 1
            continue
        messages = example.get("messages")
        if not messages:
            errors["missing_messages_list"] += 1
            continue
        for message in messages:
            if "role" not in message or "content" not in message:
                errors["message_missing_key"] += 1
            if any(key not in ALLOWED_KEYS for key in message):
                errors["message_unrecognized_key"] += 1
            if message.get("role") not in ALLOWED_ROLES:
                errors["unrecognized_role"] += 1
            content = message.get("content")
            if (not content and not message.get("function_call")) or not isinstance(content, str):
                errors["missing_content"] += 1
        if not any(message.get("role") == "assistant" for message in messages):
            errors["example_missing_assistant_message"] += 1
    return errors


def count_messages(encoding, messages):
    tokens = 0
    for message in messages:
        tokens += 3
        for key, value in message.items():
            tokens += len(encoding.encode(value))
            if key == "name":
                tokens += 1
    return tokens + 3


def count_assistant(encoding, messages):
    return sum(len(encoding.encode(m["content"])) for m in messages if m["role"] == "assistant")


def show(values, name):
    print(
        f"{name}: min {min(values)} max {max(values)} mean {np.mean(values):.1f} median {np.median(values):.1f} "
        f"p5 {np.quantile(values, 0.05):.1f} p95 {np.quantile(values, 0.95):.1f}"
    )


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        dataset = [json.loads(line) for line in file]
    print(len(dataset), "examples;", dict(format_errors(dataset)) or "no format errors")
    encoding = tiktoken.get_encoding("cl100k_base")
    no_system = no_user = 0
    turns, totals, assistant = [], [], []
    for example in dataset:
        messages = example["messages"]
        no_system += not any(m["role"] == "system" for m in messages)
        no_user += not any(m["role"] == "user" for m in messages)
        turns.append(len(messages))
        totals.append(count_messages(encoding, messages))
        assistant.append(count_assistant(encoding, messages))
    print("without a system message:", no_system, "without a user message:", no_user)
    show(turns, "messages per example")
    show(totals, "tokens per example")
    show(assistant, "assistant tokens per example")
    print("over the limit:", sum(n > MAX_TOKENS for n in totals))
    epochs, n = 3, len(dataset)
    if n * epochs < 100:
        epochs = min(25, 100 // n)
    elif n * epochs > 25_000:
        epochs = max(1, 25_000 // n)
    billed = sum(min(MAX_TOKENS, n) for n in totals)
    print("epochs:", epochs, "tokens billed:", epochs * billed)


if __name__ == "__main__":
    main()
