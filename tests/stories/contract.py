# SPDX-License-Identifier: MIT
"""
The answers of tests/data/fixtures on a mount.

contract.py list job|key|base|moment   the bodies that speak of this, by their names
contract.py script NAME…               a script for the provider: a job for each body
contract.py check DIALECT JOBS NAME…   tracks them in JOBS; each has to be shown as expected
"""
import datetime
import decimal
import json
import os
import sys
import time

FIXTURES = "tests/data/fixtures"
ALLOWED_S = 30

NO_URL = "done, but without the address of a video"


def bodies():
    """Every file beside which there is an expectation, or should be one."""
    names = sorted(os.listdir(FIXTURES))
    return [n for n in names if n not in ("README.md", "vectors") and not n.endswith(".expect")]


def expectation(name):
    with open(f"{FIXTURES}/{name}.expect", encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if not line.startswith("#")]
    expected = dict(line.split(" ", 1) for line in lines)
    for key in ("http", "progress", "submitted_at", "started_at", "finished_at", "cost"):
        if key in expected:
            expected[key] = int(expected[key])
    return expected


def concern(expected):
    """Whom an answer of this kind is about: a job, or all of them."""
    if expected["kind"] in ("job", "no_url", "not_found", "bad_request", "busy"):
        return "job"
    if expected["kind"] in ("auth", "quota"):
        return "key"
    if expected["kind"] == "config" and expected["http"] < 500:
        return "base"
    return "moment"  # it may pass: a few in a row count


# ---- what the provider plays


def content_type(name, length):
    if length == 0:
        return "none"
    if ".json" in name:
        return "application/json"
    return "text/html; charset=utf-8" if name.endswith(".html") else "text/plain"


def section(name):
    status = expectation(name)["http"]
    mime = content_type(name, os.path.getsize(f"{FIXTURES}/{name}"))
    location = " location=@BASE@/elsewhere" if 300 <= status < 400 else ""
    return f"job {name}\n\tanswer {status} body=fixtures/{name} type='{mime}' raw{location}\n"


# ---- what the mount has to show


def is_accepted(expected):
    """Done without an address is not, unless it speaks of another state beside."""
    said = expected["kind"] == "no_url" and expected["state"] != "unknown"
    return said or expected["kind"] == "job"


def utc(seconds):
    if seconds is None:
        return None
    when = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def facts(expected, dialect):
    """All of status.json that depends on an answer which was accepted."""
    state = expected["state"]
    failed = {"code": expected.get("error"), "message": expected.get("error_message", "")}
    respect = {"0": False, "1": True, None: None}[expected.get("respect_moderation")]
    cost = expected.get("cost")
    duration = expected.get("duration")
    return {
        "state": state,
        "progress": 100 if state == "done" else expected.get("progress"),
        "error": failed if state == "failed" else None,
        "model": expected.get("model"),
        "submitted_at": utc(expected.get("submitted_at")),
        "started_at": utc(expected.get("started_at")),
        "finished_at": utc(expected.get("finished_at")),
        "cost_usd": cost if cost is None else decimal.Decimal(cost) / 10**10,
        "video.state": "fetching" if state == "done" else "none",
        "video.url": expected.get("url"),
        "video.duration_s": duration if duration is None else decimal.Decimal(duration),
        "video.respect_moderation": respect,
        "video.size": None,
        "video.bytes": 0 if state == "done" else None,
        "video.sha256": None,
        "video.error": None,
        "provider.name": dialect,
        "provider.code": expected.get("code"),
        "provider.message": expected.get("message", "" if "wrapped" in expected else None),
        "provider.task_status": expected.get("task_status"),
        "provider.status": expected.get("status"),
        "poll.last_error": None,
    }


def shown(expected, dialect):
    if is_accepted(expected):
        return facts(expected, dialect)
    untouched = facts({"state": "unknown"}, dialect)
    why = NO_URL if expected["kind"] == "no_url" else expected["error_message"]
    return untouched | {"poll.last_error": why}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def answered(job):
    """status.json, as soon as the job was asked for."""
    end = time.monotonic() + ALLOWED_S
    while True:
        document = json.loads(read(f"{job}/status.json"), parse_float=decimal.Decimal)
        if document["poll"]["count"] > 0:
            return document
        assert time.monotonic() < end, f"{job}: no poll in {ALLOWED_S} s"
        time.sleep(0.01)


def value(document, path):
    for key in path.split("."):
        document = document[key]
    return document


def when_known(document):
    """When a job was over of which nobody says it: at its last poll, to the second or so."""
    polled = datetime.datetime.fromisoformat(document["poll"]["last_at"].replace("Z", "+00:00"))
    next_second = utc(polled.timestamp() + 1)
    return next_second if document["finished_at"] == next_second else utc(polled.timestamp())


def faults(name, job, dialect):
    expected = expectation(name)
    document = answered(job)
    final = expected["state"] in ("done", "failed", "expired")
    wanted = shown(expected, dialect)
    wanted["request_id"] = name
    wanted["poll.http_status"] = expected["http"]
    if final and wanted["finished_at"] is None:
        wanted["finished_at"] = when_known(document)
    for path, want in wanted.items():
        if value(document, path) != want:
            yield f"{path} is {value(document, path)!r}, not {want!r}"
    if (document["poll"]["failures"] == 0) != is_accepted(expected):
        yield f"poll.failures is {document['poll']['failures']}"
    if (document["poll"]["next_at"] is None) != final:
        yield f"poll.next_at is {document['poll']['next_at']}"
    response = read(f"{job}/response.json")
    if response != (read(f"{FIXTURES}/{name}") if is_accepted(expected) else b""):
        yield f"response.json is {response!r}"


def check(dialect, jobs, names):
    bad = False
    for name in names:
        os.mkdir(f"{jobs}/{name}")
    for name in names:
        for fault in faults(name, f"{jobs}/{name}", dialect):
            print(f"{name}: {fault}")
            bad = True
    return 1 if bad else 0


def main(command, *words):
    if command == "list":
        print("\n".join(n for n in bodies() if concern(expectation(n)) in words))
    elif command == "script":
        print("".join(section(n) for n in words))
    elif command == "check":
        return check(words[0], words[1], words[2:])
    return 0


sys.exit(main(*sys.argv[1:]))
