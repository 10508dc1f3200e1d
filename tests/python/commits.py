"""Counts what was committed to a lake in a while, and how old its events were.

usage: commits.py LAKE FROM UNTIL

LAKE is a folder, FROM and UNTIL are microseconds since 1970. An event's age is
the time from when it was received to when the commit that stored it could be seen.
"""

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

import duckdb

EVENTS = {"clickstream", "video", "assessment", "attendance", "tutoring"}
BOOKS = {"tallies", "audit", "log_counts", "duplicates", "quarantine"}


def kind(table, actions):
    added = [action["add"] for action in actions if "add" in action]
    if added and not any(add["dataChange"] for add in added):
        return "upkeep"
    return "events" if table in EVENTS else "books" if table in BOOKS else "reports"


lake, begin, end = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
found = defaultdict(Counter)
stored = []
for log in lake.glob("[!_]*/*/_delta_log"):
    table, standing = log.parent.name, {}
    for commit in sorted(log.glob("*.json")):
        with open(commit) as file:
            actions = [json.loads(line) for line in file]
        for action in actions:
            if "remove" in action:
                standing.pop(action["remove"]["path"], None)
            if "add" in action:
                standing[action["add"]["path"]] = action["add"]["size"]
        # A commit gets its name after its bytes: that changes no other time.
        seen = commit.stat().st_ctime_ns // 1000
        if not begin <= seen < end:
            continue
        sort = kind(table, actions)
        files = [action["add"]["path"] for action in actions if "add" in action]
        found[sort].update(commits=1, files=len(files))
        if sort == "events":
            stored += [(str(log.parent / path), seen) for path in files]
    sort = "events" if table in EVENTS else "books" if table in BOOKS else "reports"
    found[sort].update(tables=1, standing=len(standing), standing_bytes=sum(standing.values()))

ages = {}
if stored:
    duckdb.execute("create table stored (filename varchar, seen bigint)")
    duckdb.executemany("insert into stored values (?, ?)", stored)
    row = duckdb.execute(
        """
        select count(*), quantile_cont(age, 0.5), quantile_cont(age, 0.99), max(age) from (
            select (seen - epoch_us(received_at)) / 1e6 as age
            from read_parquet(?, filename = true) join stored using (filename)
        )
        """,
        [[path for path, _ in stored]],
    ).fetchone()
    ages = dict(zip(["rows", "p50", "p99", "max"], row))
kinds = ["events", "books", "reports", "upkeep"]
print(json.dumps({kind: found[kind] for kind in kinds} | {"ages": ages}))
