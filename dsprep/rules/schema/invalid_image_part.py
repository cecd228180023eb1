"""SCH012 invalid-image-part."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from dsprep.folds.limits import under
from dsprep.model.batch import Batch
from dsprep.model.chat import shown
from dsprep.model.finding import Finding, Severity
from dsprep.model.record import Example
from dsprep.model.rule import ExampleRule, RuleMeta
from dsprep.model.target import ImageLimits, Limit

#: The head of a `data:` URL is a media type, perhaps with parameters, and `base64`.
_DATA = re.compile(r"data:([^,;]{0,100})((?:;[^,;]{0,100}){0,8}),", re.IGNORECASE)
_HEAD = 200
_EXCERPT = 60
#: How files of each type begin; of WEBP the length stands between two words.
_BEGINNINGS = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "image/bmp": re.compile(rb"BM.{12}", re.DOTALL),
    "image/tiff": re.compile(rb"II\*\x00|MM\x00\*"),
    "image/avif": re.compile(rb"....ftypavi[fs]", re.DOTALL),
    "image/heic": re.compile(rb"....ftyp(?:hei[cxms]|mif1)", re.DOTALL),
    "image/svg+xml": re.compile(rb"\s*<(?:svg|\?xml)"),
    "application/pdf": re.compile(rb"%PDF-"),
}
#: Names in use for the same type.
_SAME = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}


class _Problem(NamedTuple):
    says: str
    unverified: bool


class InvalidImagePart(ExampleRule):
    """An image in a message is none that the target takes.

    ## What it does
    Looks at the image parts of user messages, as the target's `images` says: at the scheme of the URL, which must have
    a host; at a `data:` URL, which must hold base64, at its type, and whether the bytes are of one of those types; at
    the size of the image; and at the number of images in a record. What a target does not limit is not looked at; a
    target without `images` has nothing reported. Images that are elsewhere are not fetched.

    An image of another role, and a part without a URL, are left to `wrong-type`.

    ## Why it matters
    The backend refuses the file, or trains on the text alone. An image that is too large, or a GIF that is called
    PNG, is found out in the middle of a job.

    ## Example
    ```json
    {"type": "image_url", "image_url": {"url": "/home/ada/cat.jpg"}}
    ```

    ## Fix
    None: the image must be had in another form.

    ## Source
    The target's file in `rules/targets/` names it, `source` of `images`. For OpenAI: the guide to vision fine-tuning.
    RFC 2397, the `data:` URL.
    """

    meta = RuleMeta(
        code="SCH012",
        name="invalid-image-part",
        severity=Severity.ERROR,
        message="{problem}",
        summary="an image part the target rejects",
    )

    def find(self, batch: Batch) -> Iterator[Finding]:
        limits = self.context.target.images
        if limits is None:
            return
        for i, example in enumerate(batch.examples):
            if example is None:
                continue
            images = list(_images(example))
            if not images:
                continue
            for pointer, url in images:
                problem = self._problem(url, limits)
                if problem is not None:
                    yield self._found(batch, i, pointer, problem, {"excerpt": shown(url, _EXCERPT)})
            most = limits.max_count
            if most is not None and len(images) > most.value:
                problem = _Problem(f"{len(images)} images; {self._target} takes {most.value} a record", most.unverified)
                yield self._found(batch, i, "/messages", problem, {"images": len(images)})

    @property
    def _target(self) -> str:
        return self.context.target.name

    def _found(self, batch: Batch, i: int, pointer: str, problem: _Problem, more: dict[str, Any]) -> Finding:
        return self.finding(
            batch.location(i, pointer),
            key=batch.key(i),
            args={"problem": problem.says, **more},
            severity=under(self, unverified=problem.unverified),
        )

    def _problem(self, url: str, limits: ImageLimits) -> _Problem | None:
        scheme = url[:_HEAD].partition(":")[0].lower() if ":" in url[:_HEAD] else ""
        if limits.schemes and scheme not in limits.schemes:
            taken = " or ".join(f"{name}:" for name in limits.schemes)
            had = f"a {scheme}: URL" if re.fullmatch(r"[a-z][a-z0-9+.-]{0,20}", scheme) else "no URL"
            return _Problem(f"the image is {had}; {self._target} takes {taken}", limits.unverified)
        if scheme == "data":
            return self._data(url, limits)
        if scheme in ("http", "https"):
            try:
                host = urlsplit(url[:2048]).hostname
            except ValueError:
                host = None
            if not host or any(character.isspace() for character in url):
                return _Problem("the URL of the image is none: it has no host, or white space in it", False)
        return None

    def _data(self, url: str, limits: ImageLimits) -> _Problem | None:
        head = _DATA.match(url)
        if head is None or "base64" not in head[2].lower().split(";"):
            return _Problem("the data: URL of the image does not begin with a type and `;base64,`", False)
        kind = head[1].strip().lower()
        kind = _SAME.get(kind, kind)
        if limits.types and kind not in limits.types:
            return self._other(f"of type {shown(kind, 40)}" if kind else "of no type", limits)
        try:
            data = base64.b64decode(url[head.end() :].encode("ascii"), validate=True)
        except (binascii.Error, ValueError) as error:
            reason = "other characters" if isinstance(error, UnicodeEncodeError) else str(error).lower()
            return _Problem(f"the image is not valid base64: {reason}", False)
        if not data:
            return _Problem("the data: URL holds no image", False)
        held = next((name for name, start in _BEGINNINGS.items() if start.match(data)), None)
        if held is not None and limits.types and held not in limits.types:
            return self._other(f"called {kind}, but is {held}", limits)
        if held is None and kind in _BEGINNINGS:
            return _Problem(f"the image is called {kind}, but does not begin like one", False)
        return _too_large(len(data), limits.max_bytes, self._target)

    def _other(self, what: str, limits: ImageLimits) -> _Problem:
        names = [name.removeprefix("image/") for name in limits.types]
        taken = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
        return _Problem(f"the image is {what}; {self._target} takes {taken}", limits.unverified)


def _too_large(size: int, limit: Limit | None, target: str) -> _Problem | None:
    if limit is None or size <= limit.value:
        return None
    return _Problem(f"the image has {size:,} bytes; {target} takes {limit.value:,}", limit.unverified)


def _images(example: Example) -> Iterator[tuple[str, str]]:
    """The URLs of the images in user messages, with their places."""
    for j, message in enumerate(example.messages):
        if type(message) is not dict:
            continue
        content = message.get("content")
        # Only users show images; those of others are of a wrong type.
        if type(content) is not list or message.get("role") != "user":
            continue
        for k, part in enumerate(content):
            if type(part) is dict and part.get("type") == "image_url":
                image = part.get("image_url")
                if type(image) is dict and type(image.get("url")) is str:
                    yield f"/messages/{j}/content/{k}/image_url/url", image["url"]
