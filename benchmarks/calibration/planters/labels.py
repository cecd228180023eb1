"""Labels that are wrong, here and there."""

from __future__ import annotations

import random

from calibration.planting import Row, plants

_SAID = {
    "positive": (
        "wonderful",
        "delightful",
        "superb",
        "charming",
        "flawless",
        "generous",
        "splendid",
        "graceful",
        "cosy",
    ),
    "negative": ("dreadful", "broken", "filthy", "rude", "noisy", "stale", "overpriced", "faulty", "rotten"),
    "question": ("when", "where", "whether", "which", "how", "whose", "whom", "why", "wherever"),
}
_ABOUT = (
    "the room",
    "the meal",
    "our guide",
    "this phone",
    "the delivery",
    "the show",
    "my seat",
    "the staff",
    "the road",
)


@plants("LBL001", scope="dataset", kinds=("tweets",))
def a_few_wrong_labels(rng: random.Random, examples: list[Row], n: int) -> list[Row]:
    """Among texts that speak for their label; one to five per cent of them have another one."""
    labels = ("positive", "negative", "question")[: 2 + n % 2]
    rows = []
    for i in range(300):
        label = labels[i % len(labels)]
        words = rng.sample(_SAID[label], 3)
        text = f"About {rng.choice(_ABOUT)}: {', '.join(words[:2])} and {words[2]}, as of {rng.randrange(2000)}."
        if (i and rng.random() < (0.01, 0.03, 0.05)[n % 3]) or i == 1:
            label = rng.choice([other for other in labels if other != label])
        rows.append({"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": label}]})
    return rows
