"""Put tiktoken's vocabulary file where plain tiktoken looks for it, so that a yardstick script runs offline.

export TIKTOKEN_CACHE_DIR=$(python benchmarks/vocabulary.py FOLDER)
"""

from __future__ import annotations

import hashlib
import sys
from base64 import b64encode
from pathlib import Path

from rs_bpe.bpe import openai

URL = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / hashlib.sha1(URL.encode(), usedforsecurity=False).hexdigest()
    if not file.exists():
        decode = openai.cl100k_base().bpe().decode_tokens
        file.write_bytes(b"".join(b"%b %d\n" % (b64encode(decode([i])), i) for i in range(100_256)))
    print(folder)


if __name__ == "__main__":
    main()
