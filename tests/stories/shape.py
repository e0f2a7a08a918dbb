# SPDX-License-Identifier: MIT
"""Checks that standard input is a status.json of the one right form: keys, order, types, layout."""
import json
import re
import sys

NONE = type(None)
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
CODES = """moderated not_found no_url bad_request provider url_expired too_large not_a_video
    refused_address store_full auth transport""".split()


def time(value):
    return value is None or re.fullmatch(TIME, value)


def text_or_null(value):
    return isinstance(value, (str, NONE))


def text(value):
    return isinstance(value, str)


def count(value):
    return type(value) is int and value >= 0


def count_or_null(value):
    return value is None or count(value)


def number_or_null(value):
    return value is None or type(value) in (int, float)


def error(value):
    if value is None:
        return True
    return list(value) == ["code", "message"] and value["code"] in CODES and text(value["message"])


FORM = {
    "request_id": text,
    "state": lambda v: v in "unknown queued running done failed expired".split(),
    "progress": lambda v: v is None or count(v) and v <= 100,
    "error": error,
    "model": text_or_null,
    "submitted_at": time,
    "started_at": time,
    "finished_at": time,
    "cost_usd": number_or_null,
    "video": {
        "state": lambda v: v in "none fetching ready lost removed".split(),
        "url": text_or_null,
        "duration_s": number_or_null,
        "respect_moderation": lambda v: v in (None, True, False),
        "size": count_or_null,
        "bytes": count_or_null,
        "sha256": lambda v: v is None or re.fullmatch("[0-9a-f]{64}", v),
        "error": error,
    },
    "provider": {
        "name": text,
        "code": text_or_null,
        "message": text_or_null,
        "task_status": text_or_null,
        "status": text_or_null,
    },
    "poll": {
        "count": count,
        "last_at": time,
        "next_at": time,
        "http_status": count_or_null,
        "failures": count,
        "last_error": text_or_null,
    },
}


def check(form, value, where):
    assert list(value) == list(form), f"{where or 'top'}: keys are {list(value)}"
    for key, kind in form.items():
        if isinstance(kind, dict):
            check(kind, value[key], f"{where}.{key}")
        else:
            assert kind(value[key]), f"{where}.{key}: {value[key]!r}"


raw = sys.stdin.buffer.read().decode("utf-8")
assert raw.endswith("}\n") or re.search(r"} *\n$", raw), "no newline at the end"
# While its job is under way, tabs in its last line but one make its size a round one.
unpadded = re.sub(r"}\t*\n} *\n$", "}\n}\n", raw)
assert unpadded.count("\n\n") == 0 and not set("\t\r") & set(unpadded), "strange blanks"
for line in raw.splitlines()[1:-1]:
    assert re.match(r"(  ){1,3}\S", line), f"indentation: {line!r}"
check(FORM, json.loads(raw), "")
