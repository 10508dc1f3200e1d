"""What of each video each learner watched, by the players' own account.

usage: watched.py STATEMENTS SECRET    (xAPI statements, a line each, gzip; the
tenant's secret, under which learners are keys)

A player says with most statements which pieces of the video it has played so
far; watched is the union of all that it ever said. Nothing else is looked at:
no verb, no time, no session.
"""

import collections
import gzip
import json
import math
import sys

import students

PLAYED = "https://w3id.org/xapi/video/extensions/played-segments"


def pieces(text):
    """The closed pieces of `a[.]b[,]c[.]d[,]e`; the last is open here."""
    for piece in text.split("[,]"):
        start, closed, end = piece.partition("[.]")
        if closed and float(start) < float(end):
            yield float(start), float(end)


def union(pieces):
    """Pieces that neither touch nor overlap and cover the same."""
    joined = []
    for start, end in sorted(pieces):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def seconds(pieces):
    """The seconds that any of the pieces touches."""
    return {s for start, end in pieces for s in range(math.floor(start), math.ceil(end))}


def main(path, secret):
    student_key = students.keys(secret)
    played = collections.defaultdict(set)
    with gzip.open(path, "rt") as lines:
        for line in lines:
            statement = json.loads(line)
            extensions = statement.get("result", {}).get("extensions", {})
            watched = pieces(extensions.get(PLAYED, ""))
            played[statement["actor"]["account"]["name"], statement["object"]["id"]].update(watched)

    watched = {pair: union(found) for pair, found in played.items() if found}
    viewers = collections.defaultdict(collections.Counter)
    for (_, video), found in watched.items():
        viewers[video].update(seconds(found))
    return {
        "watched": [
            {
                "student_key": student_key(actor),
                "content_id": video,
                "distinct_seconds": round(sum(end - start for start, end in found), 6),
            }
            for (actor, video), found in sorted(watched.items())
        ],
        # From second 0 to the last that anybody watched.
        "viewers": [
            {"content_id": video, "viewers": [counts[s] for s in range(max(counts) + 1)]}
            for video, counts in sorted(viewers.items())
        ],
    }


print(json.dumps(main(*sys.argv[1:])))
