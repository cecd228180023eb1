"""TXT011 page-boilerplate."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import ClassVar, Final

from dsprep.model.batch import Batch
from dsprep.model.finding import Finding, Severity
from dsprep.model.fix import Applicability, Fix, Replace
from dsprep.model.rule import ExampleRule, FixAvailability, RuleMeta
from dsprep.text.page_lines import PageLine, page_lines, suspected, without
from dsprep.text.turn_bytes import TURN_BYTES

_EXCERPT: Final = 80
#: An instruction stands in so many characters at the beginning, or at the end, of a text.
_ENDS: Final = 300
#: Roles whose texts are not scraped: instructions, and what programs return.
_OTHERS: Final = ("system", "developer", "tool", "function")

#: Who asks for a page, or about one, gets such lines on purpose.
_ASKS_FOR_PAGE: Final = re.compile(
    r"\b(?:writ|creat|mak|design|generat|build|draft|cod|develop|compos|produc|suggest|giv|translat|rewrit|explain"
    r"|rephras|format|convert|implement|add|provid)\w{0,4}\b[^\n]{0,120}?\b(?:web ?sites?|web ?pages?"
    r"|landing pages?|html|footers?|headers?|cookies?|newsletters?|privacy|banners?|buttons?|menus?"
    r"|nav(?:igation)?|apps?|copyright|licen[sc]es?|e-?mails?|templates?|flyers?|ads?|advert\w*|posts?|tweets?"
    r"|slogans?|captions?|labels?|notices?|disclaimers?|terms|links?|forms?|home ?pages?|sites?|blogs?"
    r"|press release|wireframes?|ui|scripts?)\b",
    re.IGNORECASE,
)


class PageBoilerplate(ExampleRule):
    """Lines of navigation, cookie notices or footers are left in a scraped text.

    ## What it does
    Finds lines, in what user and assistant say, that belong to a web page and not to its matter: cookie notices, `Skip
    to content`, bars such as `Home | About | Privacy`, `© 2019 … All rights reserved`, `Share on Facebook`, `Subscribe
    to our newsletter`. They are known by their wording, in some twenty languages, and must be the whole line. Single
    items, `Home` or `Business`, count beside such a line, or if they tell by themselves (`Terms of use`) in a text that
    has one.

    How often a line stands in the data is no evidence: so do the lines of a prompt's template, refrains and braces.
    Code blocks, notices of copyright in comments, texts of a single line, and conversations that ask for a page, a
    newsletter, a licence or the like are left alone.

    ## Why it matters
    The model learns to end its answers with a footer, and to ask for consent to cookies. The same lines in many
    examples also make them look alike and cost tokens.

    ## Example
    ```text
    Skip to main content
    Home | News | Sport | About us
    The bridge was closed on Monday for repairs.
    © 2024 The Elmbury Courier. All rights reserved.
    ```

    ## Fix
    Unsafe: the lines are removed, and what stood apart stays apart by a blank line. A text of nothing else is left for
    you to look at.

    ## Source
    Kohlschütter et al., Boilerplate Detection using Shallow Text Features, WSDM 2010; Penedo et al., The RefinedWeb
    Dataset, 2023, https://arxiv.org/abs/2306.01116, section G.2 (line-wise corrections by wording).
    """

    meta: ClassVar[RuleMeta] = RuleMeta(
        code="TXT011",
        name="page-boilerplate",
        severity=Severity.WARNING,
        message="{what} left of a web page",
        summary="Lines of navigation, cookie notices or footers are left in a scraped text.",
        fix=FixAvailability.SOMETIMES,
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        turns = batch.turns
        asking: dict[int, list[int]] = {}
        for turn in suspected(batch.get(TURN_BYTES)):
            if turns.role[turn] in _OTHERS:
                continue
            row, text = turns.row[turn], turns.text[turn]
            lines = page_lines(text)
            cleaned = without(text, lines)
            if not lines or _asks(turns.role[turn], cleaned):
                continue
            if row not in asking:
                asking[row] = _asking(batch, row)
            if any(other != turn for other in asking[row]):
                continue
            pointer = turns.pointer(turn)
            first = text[lines[0].start : lines[0].end].strip()
            yield self.at(
                batch,
                row,
                pointer,
                args={"what": _listed(lines), "count": len(lines), "excerpt": first[:_EXCERPT]},
                fix=Fix(Applicability.UNSAFE, (Replace(pointer, cleaned),)) if cleaned else None,
            )


def _asks(role: str, text: str) -> bool:
    """Whether `text` asks for a page or the like. The instruction stands first or last; between, a page itself may well
    speak of other pages."""
    return role != "assistant" and any(_ASKS_FOR_PAGE.search(part) for part in (text[:_ENDS], text[-_ENDS:]))


def _asking(batch: Batch, row: int) -> list[int]:
    """The first two texts of an example that ask for a page: indices of `batch.turns`."""
    turns = batch.turns
    some = range(bisect_left(turns.row, row), bisect_right(turns.row, row))
    return list(islice((turn for turn in some if _asks(turns.role[turn], turns.text[turn])), 2))


def _listed(lines: list[PageLine]) -> str:
    """`2 lines of navigation, 1 of cookie notice`, in order of their number."""
    counts = Counter(line.kind for line in lines).most_common()
    (kind, count), *others = counts
    said = f"{count} {'line' if count == 1 else 'lines'} of {kind}"
    return ", ".join([said, *(f"{number} of {other}" for other, number in others)])
