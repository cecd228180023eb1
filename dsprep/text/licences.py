"""Licences as the Hugging Face Hub calls them, and where their texts are.

The identifiers are those of the Hub's page "Licenses" (huggingface.co/docs/hub/repositories-licenses, read 2026-11-21),
the addresses those of the SPDX licence list (spdx.org/licenses).
"""

from __future__ import annotations

import re
from typing import Final

from dsprep.model.card import Licence

#: Identifiers of the Hub that SPDX has, too, under the same name but for upper case, which is given here.
_SPDX: Final = (
    "Apache-2.0 MIT AFL-3.0 Artistic-2.0 BSL-1.0 BSD-2-Clause BSD-3-Clause BSD-3-Clause-Clear CC0-1.0 "
    "CC-BY-2.0 CC-BY-2.5 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC-BY-NC-2.0 CC-BY-NC-3.0 CC-BY-NC-4.0 "
    "CC-BY-ND-4.0 CC-BY-NC-ND-3.0 CC-BY-NC-ND-4.0 CC-BY-NC-SA-2.0 CC-BY-NC-SA-3.0 CC-BY-NC-SA-4.0 CDLA-Sharing-1.0 "
    "CDLA-Permissive-1.0 CDLA-Permissive-2.0 WTFPL ECL-2.0 EPL-1.0 EPL-2.0 etalab-2.0 EUPL-1.1 EUPL-1.2 ISC LPPL-1.3c "
    "MS-PL MPL-2.0 OSL-3.0 PostgreSQL OFL-1.1 NCSA Unlicense Zlib"
)
_OTHERS: Final = (
    "openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m bsd c-uda cc "
    "agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 h-research intel-research apple-ascl apple-amlr odc-by "
    "odbl openmdw-1.0 openmdw-1.1 openrail++ pddl lgpl-lr deepfloyd-if-license fair-noncommercial-research-license "
    "llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 grok2-community gemma"
)
#: Those that SPDX calls something else.
_CALLED: Final = {"c-uda": "C-UDA-1.0", "odc-by": "ODC-By-1.0", "odbl": "ODbL-1.0", "pddl": "PDDL-1.0"}
_PAGE: Final = "https://spdx.org/licenses/"
_PAGES: Final[dict[str, str | None]] = {
    **{name: f"{_PAGE}{_CALLED[name]}.html" if name in _CALLED else None for name in _OTHERS.split()},
    **{name.lower(): f"{_PAGE}{name}.html" for name in _SPDX.split()},
}


def licence_named(text: str) -> Licence:
    """The licence that `text` names: an identifier, in upper or lower case, or any other name, or the address of one's
    text."""
    text = " ".join(text.split())
    known = text.lower()
    if known in _PAGES:
        return Licence(known, text, _PAGES[known])
    if re.match(r"https?://", known):
        return Licence("other", text, text)
    return Licence("other", text)
