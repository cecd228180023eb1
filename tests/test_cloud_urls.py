"""Buckets of S3 and data sets of the hub of Hugging Face, read by the packages that users have for them, from servers
of our own that answer as those do. Of Google's and Azure's storage it is only said here what reads them."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

KEY, TOKEN = "not-a-key-but-secret", "hf_not-a-token-but-secret"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def chat(number: int) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": f"What is {number} and twice {number * 7 % 31}?"},
            {"role": "assistant", "content": f"Number {number}, as far as that is known."},
        ]
    }


LINES = b"".join(json.dumps(chat(i)).encode() + b"\n" for i in range(3000))
OTHERS = b"".join(json.dumps(chat(i)).encode() + b"\n" for i in range(3000, 3040))


def parquet() -> bytes:
    out = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([chat(i) for i in range(50)]), out)
    return out.getvalue().to_pybytes()


FILES = {
    "a/one.jsonl": LINES,
    "a/two.jsonl": OTHERS,
    "rows.parquet": parquet(),
    "lines.jsonl.gz": gzip.compress(OTHERS),
    "empty.jsonl": b"",
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self.answer(*self.found())

    def do_HEAD(self) -> None:
        self.answer(*self.found())

    def found(self) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers."""
        raise NotImplementedError

    def part(self, data: bytes, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        """`data`, or as much of it as was asked for."""
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            return 200, data, headers
        start, end = int(asked[1]), min(int(asked[2] or len(data)) + 1, len(data))
        if start >= len(data):
            said = b"<Message>The requested range is not satisfiable</Message>"
            return 416, b"<Error><Code>InvalidRange</Code>" + said + b"</Error>", {}
        self.server.ranges.append((start, end))
        return 206, data[start:end], {**headers, "Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Nothing is printed."""


class _S3(_Handler):
    """HEAD and GET of objects in the bucket `data`, and ListObjectsV2."""

    def found(self) -> tuple[int, bytes, dict[str, str]]:
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        if bucket == "locked":
            return 403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", {}
        if bucket != "data":
            return 404, b"<Error><Code>NoSuchBucket</Code><Message>no bucket</Message></Error>", {}
        if key:
            if key not in FILES:
                return 404, b"<Error><Code>NoSuchKey</Code><Message>no key</Message></Error>", {}
            return self.part(FILES[key], {"ETag": '"x"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"})
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        inside = [name for name in FILES if name.startswith(prefix)]
        folders = {
            prefix + name[len(prefix) :].split(delimiter)[0] + delimiter
            for name in inside
            if delimiter and delimiter in name[len(prefix) :]
        }
        listed = [name for name in inside if not any(name.startswith(folder) for folder in folders)]
        body = "".join(
            f"<Contents><Key>{escape(name)}</Key><Size>{len(FILES[name])}</Size>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>x</ETag></Contents>"
            for name in listed
        ) + "".join(f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in sorted(folders))
        head = f"<Name>data</Name><KeyCount>{len(listed) + len(folders)}</KeyCount><IsTruncated>false</IsTruncated>"
        return 200, f"<ListBucketResult>{head}{body}</ListBucketResult>".encode(), {"Content-Type": "application/xml"}


class _Hub(_Handler):
    """The data set me/data: about it, its tree, its files."""

    def found(self) -> tuple[int, bytes, dict[str, str]]:
        path = unquote(urlsplit(self.path).path)
        if path.startswith("/api/datasets/me/locked"):
            return 401, b'{"error": "no"}', {}
        if path.startswith("/api/datasets/me/data/tree/"):
            prefix = "".join(f"{part}/" for part in path.split("/")[7:])
            entries: dict[str, dict[str, Any]] = {}
            for name, data in FILES.items():
                inside, deeper, _ = name[len(prefix) :].partition("/")
                if not name.startswith(prefix):
                    continue
                if deeper:
                    folder = prefix + inside
                    entries[folder] = {"type": "directory", "oid": "0" * 40, "path": folder}
                else:
                    oid = hashlib.sha1(data).hexdigest()
                    entries[name] = {"type": "file", "oid": oid, "size": len(data), "path": name}
            return 200, json.dumps(list(entries.values())).encode(), {"Content-Type": "application/json"}
        if path.startswith("/api/datasets/me/data"):
            return 200, json.dumps({"id": "me/data", "sha": COMMIT}).encode(), {"Content-Type": "application/json"}
        name = path.removeprefix("/datasets/me/data/resolve/").partition("/")[2]
        if name in FILES:
            return self.part(FILES[name], {"ETag": '"x"', "X-Repo-Commit": COMMIT})
        return 404, b'{"error": "not found"}', {"X-Error-Code": "RepoNotFound"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler: type[_Handler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.ranges: list[tuple[int, int]] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may go away."""


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, _Server]]:
    made = {"s3": _Server(_S3), "hf": _Server(_Hub)}
    for server in made.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    for server in made.values():
        server.shutdown()
        server.server_close()


PLACES = {"s3": "s3://data", "hf": "hf://datasets/me/data"}
KINDS = pytest.mark.parametrize("kind", PLACES)


@pytest.fixture
def dsprep(servers: dict[str, _Server], tmp_path: Path) -> Any:
    """Runs a command with what the packages need to find the servers and to be let in."""
    hosts = {kind: f"http://127.0.0.1:{server.server_address[1]}" for kind, server in servers.items()}
    known = {
        "AWS_ENDPOINT_URL": hosts["s3"],
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "HF_ENDPOINT": hosts["hf"],
        "HF_TOKEN": TOKEN,
        "HF_HOME": str(tmp_path / "hub"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }

    def run(*words: str, missing: str = "", **changed: str | None) -> subprocess.CompletedProcess[str]:
        code = f"import sys; sys.modules.update({{{missing!r}: None}} if {missing!r} else {{}}); "
        code += f"sys.argv = ['dsprep', *{words!r}]; from dsprep.cli import main; main()"
        env = {name: value for name, value in {**os.environ, **known, **changed}.items() if value is not None}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
        )
        assert "Traceback" not in done.stderr
        for secret in (KEY, TOKEN):
            assert secret not in done.stdout + done.stderr
        return done

    return run


@KINDS
def test_files_are_read_in_ranges_by_several_workers(kind: str, dsprep: Any, servers: dict[str, _Server]) -> None:
    servers[kind].ranges.clear()
    done = dsprep(
        "lint", f"{PLACES[kind]}/a/one.jsonl", "--isolated", "--no-cache", "-j", "2", "--output-format", "json"
    )
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert report["funnel"]["rows_in"] == 3000
    assert report["inputs"][0]["sha256"] == hashlib.sha256(LINES).hexdigest()
    # Once to know the format, once to plan, once to read, and some rows again: not megabytes ahead each time.
    assert sum(end - start for start, end in servers[kind].ranges) < 4 * len(LINES)


@KINDS
def test_patterns_compressed_files_and_tables(kind: str, dsprep: Any, tmp_path: Path) -> None:
    assert dsprep("convert", f"{PLACES[kind]}/a/*.jsonl", "-o", "all.jsonl", "-q").returncode == 0
    assert (tmp_path / "all.jsonl").read_bytes().count(b"\n") == 3040
    assert dsprep("convert", f"{PLACES[kind]}/lines.jsonl.gz", "-o", "gz.jsonl", "-q").returncode == 0
    assert (tmp_path / "gz.jsonl").read_bytes().count(b"\n") == 40
    assert dsprep("convert", f"{PLACES[kind]}/rows.parquet", "-o", "rows.jsonl", "-q").returncode == 0
    assert json.loads((tmp_path / "rows.jsonl").read_bytes().splitlines()[7]) == chat(7)
    done = dsprep("prepare", f"{PLACES[kind]}/a/two.jsonl", "--out", "ready", "--isolated")
    assert done.returncode in (0, 1), done.stderr
    assert json.loads((tmp_path / "ready" / "manifest.json").read_bytes())["inputs"][0]["path"].startswith(PLACES[kind])


@KINDS
@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("/missing.jsonl", 2, "missing.jsonl: there is no such file"),
        ("/a/*.csv", 2, "nothing matches"),
        ("/a", 2, "is a directory; name the files in it"),
        ("/empty.jsonl", 1, "ENC009"),
    ],
)
def test_what_cannot_be_read_is_said(kind: str, name: str, code: int, says: str, dsprep: Any) -> None:
    done = dsprep("lint", PLACES[kind] + name, "--isolated", "--no-cache", "--output-format", "concise")
    assert (done.returncode, says in done.stdout + done.stderr) == (code, True), done.stderr
    assert len(done.stderr.splitlines()) == (code == 2)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://locked/x.jsonl", "s3://locked/x.jsonl cannot be read: permission denied"),
        ("s3://nothing/x.jsonl", "s3://nothing/x.jsonl"),
        ("hf://datasets/me/locked/x.jsonl", "hf://datasets/me/locked/x.jsonl cannot be read: permission denied"),
        ("hf://datasets/you/data/x.jsonl", "hf://datasets/you/data/x.jsonl: there is no such file"),
    ],
)
def test_places_that_are_closed_or_not_there(url: str, says: str, dsprep: Any) -> None:
    done = dsprep("lint", url, "--isolated", "--no-cache")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {says}")
    assert len(done.stderr.splitlines()) == 1


def test_who_has_no_key_or_no_server_is_told_so(dsprep: Any) -> None:
    done = dsprep("lint", "s3://data/a/one.jsonl", "--isolated", AWS_SECRET_ACCESS_KEY=None, AWS_ACCESS_KEY_ID=None)
    assert (done.returncode, "credentials" in done.stderr) == (2, True)
    done = dsprep("lint", "s3://data/a/one.jsonl", "--isolated", AWS_ENDPOINT_URL="http://127.0.0.1:1")
    assert (done.returncode, "onnect" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [
        ("s3://data/a.jsonl", "s3fs", "s3"),
        ("gs://data/a.jsonl", "gcsfs", "gs"),
        ("az://data/a.jsonl", "adlfs", "az"),
        ("abfs://data/a.jsonl", "adlfs", "az"),
        ("hf://datasets/me/data/a.jsonl", "huggingface_hub", "hf"),
        ("https://127.0.0.1:1/a.jsonl", "aiohttp", "remote"),
    ],
)
def test_what_to_install_is_said(url: str, package: str, extra: str, dsprep: Any) -> None:
    done = dsprep("lint", url, "--isolated", missing=package)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {url} cannot be read without another package: pip install 'dsprep[{extra}]'\n"
