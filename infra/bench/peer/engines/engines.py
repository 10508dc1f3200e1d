"""Answers questions in SQL by DuckDB and by chDB over the Parquet files that the logs of
Delta tables name.

usage: engines.py THREADS NAME=FOLDER...

Each line that is read is a question, each line that is printed its answer:

    {"engine": "duckdb", "sql": …}  → {"seconds": …, "rows": …, "sum": …}
    {"export": …, "to": FILE}       → {"rows": …}, as CSV with a header, by DuckDB

`seconds` is from handing over the statement until its whole answer is here, from DuckDB in
Arrow, from chDB in JSON; `sum` is that of all numbers in it.
"""

import json
import os
import sys
import time
from decimal import Decimal

import duckdb
from chdb.session import Session
from deltalake import DeltaTable


def files_of(folder):
    """The files of a table as it stands now."""
    return [uri.removeprefix("file://") for uri in DeltaTable(folder).file_uris()]


class DuckDb:
    def __init__(self, threads, tables):
        self.connection = duckdb.connect()
        self.connection.execute(f"SET threads = {threads}; SET TimeZone = 'UTC'")
        for name, files in tables.items():
            listed = ", ".join(f"'{file}'" for file in files)
            # Partitions are no columns of the files.
            read = f"read_parquet([{listed}], hive_partitioning = true)"
            self.connection.execute(f'CREATE VIEW "{name}" AS SELECT * FROM {read}')

    def ask(self, sql):
        return self.connection.execute(sql).to_arrow_table()

    def rows(self, answer):
        return [list(row.values()) for row in answer.to_pylist()]

    def export(self, sql, file):
        copied = self.connection.execute(f"COPY ({sql}) TO '{file}' (FORMAT csv, HEADER)")
        return copied.fetchone()[0]


class ChDb:
    SETTINGS = {
        # NULL as SQL has it where a join finds nothing.
        "join_use_nulls": 1,
        "session_timezone": "'UTC'",
        "use_hive_partitioning": 1,
        "output_format_json_quote_64bit_integers": 0,
    }

    def __init__(self, threads, tables):
        self.session = Session()
        for setting, value in {**self.SETTINGS, "max_threads": threads}.items():
            self.session.query(f"SET {setting} = {value}")
        for name, files in tables.items():
            folder = os.path.commonpath([os.path.dirname(file) for file in files])
            names = ",".join(os.path.relpath(file, folder) for file in files)
            # A name in braces stands for each of its parts, of which one alone is no choice.
            listed = f"{folder}/{{{names}}}" if len(files) > 1 else files[0]
            read = f"file('{listed}', Parquet)"
            self.session.query(f"CREATE VIEW `{name}` AS SELECT * FROM {read}")

    def ask(self, sql):
        return self.session.query(sql, "JSONCompact").bytes()

    def rows(self, answer):
        return json.loads(answer)["data"]


def total(rows):
    numbers = (cell for row in rows for cell in row)
    return sum(
        float(cell)
        for cell in numbers
        if isinstance(cell, (int, float, Decimal)) and not isinstance(cell, bool)
    )


def main():
    threads = int(sys.argv[1])
    folders = dict(argument.split("=", 1) for argument in sys.argv[2:])
    tables = {name: files_of(folder) for name, folder in folders.items()}
    engines = {"duckdb": DuckDb(threads, tables), "chdb": ChDb(threads, tables)}
    for line in sys.stdin:
        question = json.loads(line)
        if "export" in question:
            exported = engines["duckdb"].export(question["export"], question["to"])
            answer = {"rows": exported}
        else:
            engine = engines[question["engine"]]
            began = time.perf_counter()
            answered = engine.ask(question["sql"])
            seconds = time.perf_counter() - began
            rows = engine.rows(answered)
            answer = {"seconds": seconds, "rows": len(rows), "sum": total(rows)}
        print(json.dumps(answer), flush=True)


main()
