"""BigQuery's REST API, as much of it as Google's client uses for queries, answered by the twin's warehouse.

The SQL is BigQuery's: sqlglot transpiles it to DuckDB's. A job's bytes are reckoned as for
columns of 8 bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import count
from threading import Lock
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request

from ingest.settings import Settings
from twin import scheduler
from twin.server import Wsgi, json_api
from twin.warehouse import Warehouse

Fields = dict[str, Any]

MINIMUM_BILLED = 10 * 2**20
KEPT_JOBS = 100
"""How many of the last jobs can still be asked for their results."""

_PROJECT = "/bigquery/v2/projects/<project>"
_ROUTES = Map(
    [
        Rule(f"{_PROJECT}/queries", endpoint="query", methods=["POST"]),
        Rule(f"{_PROJECT}/queries/<job>", endpoint="results", methods=["GET"]),
        Rule(f"{_PROJECT}/jobs", endpoint="insert", methods=["POST"]),
        Rule(f"{_PROJECT}/jobs/<job>", endpoint="job", methods=["GET"]),
    ]
)

_TYPES = {
    "VARCHAR": "STRING",
    "BIGINT": "INT64",
    "INTEGER": "INT64",
    "HUGEINT": "INT64",
    "TIMESTAMP": "TIMESTAMP",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "BOOLEAN": "BOOL",
    "DOUBLE": "FLOAT64",
    "DATE": "DATE",
    "DECIMAL": "FLOAT64",
    "JSON": "JSON",
    '"NULL"': "INT64",
}
"""DuckDB's types, to BigQuery's names in SQL. DECIMAL is what DuckDB makes of a literal such as 1.5,
but for one of 38 digits, which is a NUMERIC; a NULL without a type is INT64 in BigQuery."""

_API_TYPES = {"INT64": "INTEGER", "BOOL": "BOOLEAN", "FLOAT64": "FLOAT"}
"""The names that the API's schemas have for some types (reference/rest/v2/tables#TableFieldSchema)."""


class ApiError(scheduler.ApiError):
    """An error as BigQuery answers it. `reason` is one of cloud.google.com/bigquery/docs/error-messages."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(code, {400: "INVALID_ARGUMENT", 404: "NOT_FOUND"}[code], message)
        self.body["error"]["errors"] = [{"message": message, "domain": "global", "reason": reason}]


@dataclass(frozen=True)
class Answer:
    """A query's result: columns as (name, BigQuery's type), values as DuckDB gives them (moments: microseconds)."""

    columns: list[tuple[str, str]]
    rows: list[tuple[Any, ...]]
    bytes_processed: int


@dataclass
class BigQuery:
    """The jobs of one project on `warehouse`. `calls` are the requests that came: (route's name, dry run or not).

    CURRENT_TIMESTAMP is what `now` gives (aware); None: DuckDB's own.
    """

    settings: Settings
    warehouse: Warehouse
    now: Callable[[], datetime] | None = None
    calls: list[tuple[str, bool]] = field(default_factory=list)
    _jobs: dict[str, Answer] = field(default_factory=dict)
    _numbers: Iterable[int] = field(default_factory=count)

    def query(self, body: Fields) -> Fields:
        """jobs.query. Raises ApiError, as the others do."""
        dry = bool(body.get("dryRun"))
        job, answer = self._run(body.get("query"), dry, body.get("maximumBytesBilled"))
        exact = bool((body.get("formatOptions") or {}).get("useInt64Timestamp"))
        return self._page(job, answer, 0, body.get("maxResults"), exact)

    def insert(self, body: Fields) -> Fields:
        """jobs.insert, of a query."""
        configuration = body.get("configuration") or {}
        query = configuration.get("query") or {}
        wanted = (body.get("jobReference") or {}).get("jobId")
        job, answer = self._run(
            query.get("query"), bool(configuration.get("dryRun")), query.get("maximumBytesBilled"), wanted
        )
        return self._job(job, answer) | {"configuration": configuration}

    def job(self, job: str) -> Fields:
        """jobs.get."""
        return self._job(job, self._kept(job))

    def results(self, job: str, start: int, size: int | None, exact: bool) -> Fields:
        """jobs.getQueryResults: `size` rows from `start`."""
        return self._page(job, self._kept(job), start, size, exact)

    def _run(self, sql: object, dry: bool, limit: object, wanted: str | None = None) -> tuple[str, Answer]:
        tree = _parsed(str(sql or "")).copy()
        if self.now:
            present = sqlglot.parse_one(f"TIMESTAMP '{self.now().isoformat(sep=' ')}'", read="bigquery")
            for moment in list(tree.find_all(exp.CurrentTimestamp)):
                moment.replace(present.copy())
        for kind in tree.find_all(exp.DataType):
            if kind.is_type(exp.DataType.Type.DECIMAL) and not kind.expressions:
                # DuckDB's own has 18 digits, 3 of them after the point.
                kind.replace(exp.DataType.build("DECIMAL(38, 9)"))
        sizes = self._sizes()
        tables = self._resolved(tree, sizes)
        processed = sum(8 * sizes[table] * columns for table, columns in tables)
        billed = max(MINIMUM_BILLED, sum(max(MINIMUM_BILLED, 8 * sizes[table] * columns) for table, columns in tables))
        if limit is not None and not str(limit).isdecimal():
            raise ApiError(400, "invalid", f"Invalid value at 'maximum_bytes_billed' (TYPE_INT64), {limit!r}")
        if limit is not None and not dry and billed > int(str(limit)):
            message = f"Query exceeded limit for bytes billed: {limit}. {billed} or higher required."
            raise ApiError(400, "bytesBilledLimitExceeded", message)
        try:
            answer = self._answer(tree.sql("duckdb", copy=False), processed, dry)
        except duckdb.Error as error:
            raise _invalid(str(error).splitlines()[0]) from None
        job = wanted or f"job_{next(iter(self._numbers))}"
        if not dry:
            self._jobs[job] = answer
            while len(self._jobs) > KEPT_JOBS:
                del self._jobs[next(iter(self._jobs))]
        return job, answer

    def _answer(self, sql: str, processed: int, dry: bool) -> Answer:
        described = self.warehouse.execute(f"DESCRIBE {sql}").fetchall()
        columns = [(str(name), _type(kind)) for name, kind, *_ in described]
        # A moment would come as a Python object of a zone that DuckDB chooses.
        picked = ", ".join(
            f"epoch_us({_quoted(name)})" if kind == "TIMESTAMP" else _quoted(name) for name, kind in columns
        )
        rows = [] if dry else self.warehouse.execute(f"SELECT {picked} FROM ({sql})").fetchall()  # noqa: S608
        return Answer(columns, rows, processed)

    def _resolved(self, tree: exp.Query, sizes: Mapping[tuple[str, str], int]) -> list[tuple[tuple[str, str], int]]:
        """Points the query at DuckDB's tables; gives each with the number of its columns that a SELECT names."""
        names = {cte.alias for cte in tree.find_all(exp.CTE)}
        datasets = {dataset for dataset, _ in sizes}
        resolved = []
        for table in list(tree.find_all(exp.Table)):
            if not table.db and table.name in names:
                continue
            self._check_place(table, datasets)
            if table.name.upper() == "INFORMATION_SCHEMA.COLUMNS":
                table.replace(self._columns(table.db).subquery(table.alias))
                continue
            if (table.db, table.name) not in sizes:
                raise _not_found(f"Table {self.settings.project}:{table.db}.{table.name}", self.settings.region)
            select = table.find_ancestor(exp.Select)
            columns = {column.name.lower() for column in select.find_all(exp.Column)} if select else set()
            resolved.append(((table.db, table.name), len(columns)))
            table.set("catalog", None)
        return resolved

    def _check_place(self, table: exp.Table, datasets: Collection[str]) -> None:
        if isinstance(table.this, exp.Func):
            raise _invalid(f"Table-valued function not found: {table.this.sql('bigquery')}")
        if not table.db:
            raise _invalid(f'Table "{table.name}" must be qualified with a dataset (e.g. dataset.table).')
        project = table.catalog or self.settings.project
        if project != self.settings.project or (table.db not in datasets and not self._is_made(table.db)):
            raise _not_found(f"Dataset {project}:{table.db}", self.settings.region)

    def _columns(self, dataset: str) -> exp.Select:
        cases = " ".join(f"WHEN '{ours}' THEN '{theirs}'" for ours, theirs in _TYPES.items())
        return sqlglot.parse_one(
            "SELECT table_schema, table_name, column_name, ordinal_position, is_nullable, "  # noqa: S608
            f"CASE data_type {cases} ELSE data_type END AS data_type "
            f"FROM information_schema.columns WHERE table_schema = '{dataset}'",
            read="duckdb",
            into=exp.Select,
        )

    def _is_made(self, dataset: str) -> bool:
        """Of a dataset without tables."""
        return (dataset,) in self.warehouse.execute("SELECT schema_name FROM duckdb_schemas()").fetchall()

    def _sizes(self) -> dict[tuple[str, str], int]:
        """The tables by (dataset, name), with their rows."""
        query = "SELECT schema_name, table_name, estimated_size FROM duckdb_tables()"
        return {(dataset, name): rows for dataset, name, rows in self.warehouse.execute(query).fetchall()}

    def _kept(self, job: str) -> Answer:
        if job not in self._jobs:
            raise _not_found(f"Job {self.settings.project}:{job}", self.settings.region)
        return self._jobs[job]

    def _reference(self, job: str) -> Fields:
        return {"projectId": self.settings.project, "jobId": job, "location": self.settings.region}

    def _job(self, job: str, answer: Answer) -> Fields:
        processed = str(answer.bytes_processed)
        return {
            "kind": "bigquery#job",
            "id": f"{self.settings.project}:{self.settings.region}.{job}",
            "jobReference": self._reference(job),
            "configuration": {"jobType": "QUERY", "query": {}},
            "status": {"state": "DONE"},
            "statistics": {
                "totalBytesProcessed": processed,
                "query": {"totalBytesProcessed": processed, "statementType": "SELECT"},
            },
        }

    def _page(self, job: str, answer: Answer, start: int, size: object, exact: bool) -> Fields:
        end = len(answer.rows) if size is None else start + int(str(size))
        kinds = [kind for _, kind in answer.columns]
        page: Fields = {
            "kind": "bigquery#queryResponse",
            "jobReference": self._reference(job),
            "jobComplete": True,
            "totalRows": str(len(answer.rows)),
            "totalBytesProcessed": str(answer.bytes_processed),
            "schema": {
                "fields": [
                    {"name": name, "type": _API_TYPES.get(kind, kind), "mode": "NULLABLE"}
                    for name, kind in answer.columns
                ]
            },
            "rows": [
                {"f": [{"v": _text(value, kind, exact)} for value, kind in zip(row, kinds, strict=True)]}
                for row in answer.rows[start:end]
            ],
        }
        return page | ({"pageToken": str(end)} if end < len(answer.rows) else {})


def bigquery_app(bigquery: BigQuery, lock: Lock) -> Wsgi:
    """The REST routes on `bigquery`; `lock` is held while it works."""

    def answer(request: Request) -> Fields:
        endpoint, values = _ROUTES.bind_to_environ(request.environ).match()
        if values["project"] != bigquery.settings.project:
            raise _not_found(f"Project {values['project']}", bigquery.settings.region)
        body = _json(request) if request.method == "POST" else {}
        bigquery.calls.append((endpoint, bool(body.get("dryRun") or body.get("configuration", {}).get("dryRun"))))
        match endpoint:
            case "query":
                return bigquery.query(body)
            case "insert":
                return bigquery.insert(body)
            case "job":
                return bigquery.job(values["job"])
            case _:
                start = request.args.get("pageToken") or request.args.get("startIndex") or "0"
                exact = request.args.get("formatOptions.useInt64Timestamp", "").lower() == "true"
                size = request.args.get("maxResults", type=int)
                return bigquery.results(values["job"], int(start), size, exact)

    return json_api(answer, lock)


@lru_cache(maxsize=64)
def _parsed(sql: str) -> exp.Query:
    """One SELECT, or a UNION of them; night after night the same ones are asked."""
    try:
        trees = [tree for tree in sqlglot.parse(sql, read="bigquery") if tree]
    except SqlglotError as error:
        raise _invalid(f"Syntax error: {str(error).splitlines()[0]}") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise _invalid("the twin runs one SELECT statement at a time")
    return trees[0]


def _quoted(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql("duckdb")


def _type(kind: str) -> str:
    if kind.startswith("DECIMAL(38,"):
        return "NUMERIC"
    kind = kind.partition("(")[0]
    if kind not in _TYPES:
        raise _invalid(f"the twin has no BigQuery type for DuckDB's {kind}; it has {', '.join(_TYPES)}")
    return _TYPES[kind]


def _text(value: Any, kind: str, exact: bool) -> str | None:
    """A value as the API writes it: moments in microseconds, or in seconds for a client that does not ask for them."""
    if value is None:
        return None
    if kind == "BOOL":
        return str(value).lower()
    if kind == "TIMESTAMP" and not exact:
        return repr(value / 1e6)
    return str(value)


def _invalid(message: str) -> ApiError:
    return ApiError(400, "invalidQuery", message)


def _not_found(what: str, location: str) -> ApiError:
    return ApiError(404, "notFound", f"Not found: {what} was not found in location {location}")


def _json(request: Request) -> Fields:
    body = request.get_json(force=True, silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise ApiError(400, "parseError", "Invalid JSON payload received.")
    return body
