"""Compares the event ids in Delta tables with those that must be there.

usage: ids.py EXPECTED_FILE STORAGE_OPTIONS_JSON TABLE...

EXPECTED_FILE has one id a line. Each must be in exactly one row of the tables.
"""

import json
import sys
from collections import Counter

from deltalake import DeltaTable, QueryBuilder


def ids(url, options):
    table = DeltaTable(url, storage_options=options)
    rows = QueryBuilder().register("t", table).execute("select event_id from t")
    return rows.read_all().column("event_id").to_pylist()


expected_file, options, *tables = sys.argv[1:]
with open(expected_file) as file:
    expected = set(file.read().split())
found = Counter()
for table in tables:
    found.update(ids(table, json.loads(options)))
lost = expected - found.keys()
doubled = [id for id, copies in found.items() if copies > 1]
unasked = found.keys() - expected
print(
    json.dumps(
        {
            "rows": found.total(),
            "distinct": len(found),
            "lost": len(lost),
            "doubled": len(doubled),
            "unasked": len(unasked),
            "examples": [*sorted(lost)[:3], *sorted(doubled)[:3], *sorted(unasked)[:3]],
        }
    )
)
