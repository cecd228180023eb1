"""What is taken for a bomb: a small file that stands for more than any data do."""

from __future__ import annotations

from typing import Final

#: Text is seldom packed closer than 20:1, the most repetitive logs 100:1; bombs are 1,000:1 and more. Up to the size
#: (in bytes) nobody cares.
BOMB_RATIO: Final = 250
BOMB_BYTES: Final = 256 << 20
