"""A BigQuery of several datasets, some of whose tables it refuses to read: it answers what operations/cloud asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import sqlglot
from google.cloud.bigquery import Client
from sqlglot import exp
from werkzeug.wrappers import Request, Response

from tests.given.domain import SETTINGS
from tests.given.tables import client_of, google_error
from twin.server import serve

Refusal = tuple[int, str, str]
"""HTTP status, the API's reason, its message."""


@dataclass
class Table:
    columns: dict[str, str]
    newest: datetime | None = None
    rows: int = 0
    doubled: int = 0
    refuses: Refusal | None = None


@dataclass
class Datasets:
    """`datasets` are tables by name by dataset; `refused` are datasets that may not be listed.

    `asked` is the SQL, `dry` how much of it was asked by a dry run. `no_keys` is why no table's natural keys may be
    counted.
    """

    datasets: dict[str, dict[str, Table]]
    refused: dict[str, Refusal] = field(default_factory=dict)
    no_keys: Refusal | None = None
    asked: list[str] = field(default_factory=list)
    dry: int = 0

    def answer(self, sql: str) -> tuple[list[tuple[str, str]], list[list[str | None]]]:
        """Fields and rows. Raises _RefusedError for the first table or dataset that the whole query fails for."""
        rows: list[list[str | None]] = []
        fields: list[tuple[str, str]] = []
        for place in sqlglot.parse_one(sql, read="bigquery").find_all(exp.Table):
            select = place.find_ancestor(exp.Select)
            assert select
            tables = self._listed(place.db)
            if place.name.endswith("COLUMNS"):
                fields = [(name, "STRING") for name in ("table_name", "column_name", "data_type")]
                prefix = next(select.find_all(exp.StartsWith)).expression.name
                names = [name for name in tables if name.startswith(prefix)]
                rows += [[name, column, kind] for name in names for column, kind in tables[name].columns.items()]
                continue
            fields = [("table_name", "STRING"), ("max_loaded_at", "TIMESTAMP"), ("row_count", "INTEGER")]
            table = tables[place.name]
            # What BigQuery finds out before it reads; a table may also be refused only then.
            if table.refuses:
                raise _RefusedError(table.refuses)
            if "copies" in select.named_selects:
                if self.no_keys:
                    raise _RefusedError(self.no_keys)
                fields = [("table_name", "STRING")]
                fields += [(name, "INTEGER") for name in ("row_count", "key_count", "doubled_count")]
                rows.append([place.name, str(table.rows), str(table.rows - table.doubled), str(table.doubled)])
                continue
            newest = str(int(table.newest.timestamp() * 1e6)) if table.newest else None
            rows.append([place.name, newest, str(table.rows)])
        return fields, rows

    def _listed(self, dataset: str) -> dict[str, Table]:
        if dataset in self.refused:
            raise _RefusedError(self.refused[dataset])
        if dataset not in self.datasets:
            raise _RefusedError((404, "notFound", f"Not found: Dataset {SETTINGS.project}:{dataset}"))
        return self.datasets[dataset]


class _RefusedError(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal[2])
        self.refusal = refusal


@contextmanager
def serving(datasets: Datasets) -> Iterator[Client]:
    @Request.application
    def app(request: Request) -> Response:
        body = json.loads(request.get_data())
        is_dry = "configuration" in body
        sql = body["configuration"]["query"]["query"] if is_dry else body["query"]
        datasets.asked.append(sql)
        datasets.dry += is_dry
        try:
            fields, rows = datasets.answer(sql)
        except _RefusedError as error:
            body, code = google_error(*error.refusal), error.refusal[0]
        else:
            reference = {"projectId": SETTINGS.project, "jobId": "j", "location": "US"}
            schema = {"fields": [{"name": name, "type": kind} for name, kind in fields]}
            cells = [{"f": [{"v": value} for value in row]} for row in rows]
            statistics = {"totalBytesProcessed": "8", "query": {"totalBytesProcessed": "8"}}
            body, code = (
                {"jobReference": reference, "configuration": body["configuration"], "statistics": statistics}
                | {"status": {"state": "DONE"}}
                if is_dry
                else {"jobComplete": True, "totalRows": str(len(rows)), "schema": schema, "rows": cells}
                | {"jobReference": reference},
                200,
            )
        return Response(json.dumps(body), code, content_type="application/json")

    with serve(app) as root:
        yield client_of(root)
