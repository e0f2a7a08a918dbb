# SPDX-License-Identifier: MIT
"""Checks a log that is an object a line: log.py FILE [ID…]. Prints level, id and message of each, with tabs between."""
import json
import re
import sys
import unicodedata

KEYS = ["time", "level", "request_id", "message"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def no_twice(pairs):
    assert [key for key, _ in pairs] == KEYS, pairs
    return dict(pairs)


def check(line, ids):
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") for c in line), ascii(line)
    event = json.loads(line, object_pairs_hook=no_twice)
    assert TIME.fullmatch(event["time"]), line
    assert event["level"] in ("error", "warning", "info", "debug"), line
    assert event["request_id"] is None or event["request_id"] in ids, line
    assert isinstance(event["message"], str) and event["message"] != "", line
    # Who is spoken of stands in his own place.
    assert event["request_id"] or not set(re.findall(r"[\w-]+", event["message"])) & set(ids), line
    return event


def main():
    path, *ids = sys.argv[1:]
    with open(path, "rb") as file:
        text = file.read().decode("utf-8", "strict")
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        event = check(line, ids)
        print(event["level"], event["request_id"], json.dumps(event["message"]), sep="\t")


main()
