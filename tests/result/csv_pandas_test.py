#!/usr/bin/python3
"""Reads the golden tables back with pandas and with sqlite3: row counts, column types, nulls and every value must be
those of the records they were written from. Types come from the committed JSON Schema, not from the writer."""
import io
import json
import pathlib
import sqlite3
import unittest

import pandas as pd

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE / "golden"
SCHEMA = HERE.parent.parent / "host" / "result" / "schema" / "qtrap.result.schema.json"
JOIN_KEYS = ["session_id", "device_name", "driver", "meter_name"]
RESULT_KEY = "result_id"
KINDS = {"points": "point", "trials": "trial"}


def json_type(definition):
    """("integer", nullable) of a property."""
    kind = definition["type"]
    return (kind[0], True) if isinstance(kind, list) else (kind, False)


def expected_cell(value):
    """What a JSON value looks like in a table; None where the cell is empty."""
    if isinstance(value, list):
        value = ";".join(repr(item) if isinstance(item, float) else str(item) for item in value)
    return None if value == "" else value


class GoldenTables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        lines = [json.loads(line) for line in (GOLDEN / "export.jsonl").read_text().splitlines()]
        cls.sessions = {line["session_id"]: line for line in lines if line["record"] == "session"}
        cls.records = {name: [line for line in lines if line["record"] == kind] for name, kind in KINDS.items()}
        definitions = json.loads(SCHEMA.read_text())["definitions"]
        cls.types = {name: {key: json_type(prop) for key, prop in definitions[kind]["properties"].items() if key != "record"}
                     for name, kind in KINDS.items()}

    def join_values(self, record):
        ids = record.get("session_ids") or [record["session_id"]]
        known = [self.sessions[one] for one in ids if one in self.sessions]
        pick = lambda values: ";".join(dict.fromkeys(values)) or None
        return {"session_id": ";".join(ids), "device_name": pick(s["device"]["name"] for s in known),
                "driver": pick(s["device"]["driver"] for s in known), "meter_name": pick(s["meter"]["name"] for s in known)}

    def test_pandas_reads_every_value_back(self):
        for name, records in self.records.items():
            table = pd.read_csv(GOLDEN / f"{name}.csv", float_precision="round_trip")
            keys = [key for key in self.types[name] if key not in JOIN_KEYS]
            self.assertEqual(list(table.columns), JOIN_KEYS + keys + [RESULT_KEY])
            self.assertEqual(len(table), len(records))
            for row, record in zip(table.to_dict("records"), records):
                for key, value in {**{k: record[k] for k in keys}, **self.join_values(record)}.items():
                    with self.subTest(table=name, key=key):
                        cell = None if pd.isna(row[key]) else row[key]
                        self.assertEqual(cell, expected_cell(value))

    def test_trials_find_points_that_pool_several_sessions(self):
        points, trials = (pd.read_csv(GOLDEN / f"{name}.csv") for name in ("points", "trials"))
        self.assertTrue(any(";" in one for one in points["session_id"]))
        self.assertLessEqual(set(trials[RESULT_KEY]), set(points[RESULT_KEY]))
        self.assertEqual(set(points[RESULT_KEY]), {next(iter(self.sessions))})

    def test_pandas_finds_the_types_of_the_schema(self):
        for name, types in self.types.items():
            table = pd.read_csv(GOLDEN / f"{name}.csv").convert_dtypes(convert_floating=False)
            for key, (kind, nullable) in types.items():
                with self.subTest(table=name, key=key):
                    if kind == "integer":
                        self.assertTrue(pd.api.types.is_integer_dtype(table[key]), table[key].dtype)
                        self.assertTrue(nullable or not table[key].isna().any())
                    elif kind == "number":
                        self.assertTrue(pd.api.types.is_float_dtype(table[key]), table[key].dtype)
                    else:
                        self.assertTrue(pd.api.types.is_string_dtype(table[key]), table[key].dtype)

    def test_an_empty_table_has_the_same_columns(self):
        header = (GOLDEN / "points.csv").read_text().splitlines()[0]
        table = pd.read_csv(io.StringIO(header + "\n"))
        self.assertEqual(len(table), 0)
        self.assertEqual(list(table.columns), header.split(","))

    def test_sqlite_reads_every_value_back(self):
        for name, records in self.records.items():
            base = sqlite3.connect(":memory:")
            base.executescript((GOLDEN / f"{name}.sql").read_text())
            base.row_factory = sqlite3.Row
            rows = base.execute(f'SELECT * FROM "{name}"').fetchall()
            self.assertEqual(len(rows), len(records))
            for row, record in zip(rows, records):
                for key in self.types[name]:
                    value = record[key]
                    if isinstance(value, list):  # an empty list is an empty text, which SQL tells from NULL
                        value = expected_cell(value) or ""
                    if key not in JOIN_KEYS:
                        with self.subTest(table=name, key=key):
                            self.assertEqual(row[key], value)
                            self.assertIs(type(row[key]), type(value))


if __name__ == "__main__":
    unittest.main()
