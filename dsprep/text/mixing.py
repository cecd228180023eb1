"""Fixed pseudo-random numbers: the same on every machine and with every version of numpy."""

from __future__ import annotations

_MASK = (1 << 64) - 1


def numbers(seed: int, n: int) -> list[int]:
    """`n` numbers of 64 bits drawn by SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) from `seed`."""
    out = []
    state = seed & _MASK
    for _ in range(n):
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        out.append(z ^ (z >> 31))
    return out
