"""Deletes the rows of one event behind everybody's back.

usage: delete.py TABLE_FOLDER EVENT_ID
"""

import json
import sys

from deltalake import DeltaTable

_, folder, event_id = sys.argv
metrics = DeltaTable(folder).delete(f"event_id = '{event_id}'")
print(json.dumps({"deleted": metrics["num_deleted_rows"]}))
