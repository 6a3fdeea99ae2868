"""The twin: Cloud Scheduler, the ingest service and the warehouse in this process, on loopback ports."""

from __future__ import annotations

import http.client
import string
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from urllib.parse import quote, urlsplit

from ingest.entity import Entity
from ingest.settings import Settings
from operations.cloud.bigquery import ENDPOINT_VARIABLE as BIGQUERY_ENDPOINT
from operations.cloud.credentials import ENDPOINT_VARIABLE as SCHEDULER_ENDPOINT
from operations.cloud.scheduler import parent
from twin.bigquery import BigQuery, bigquery_app
from twin.clock import Clock
from twin.contract import SERVED
from twin.dispatcher import Answer, Dispatcher
from twin.identity import IAM_ENDPOINT, RUN_ENDPOINT, Identity
from twin.scheduler import Fields, Scheduler, stamp
from twin.seeds import last_run, made_by_hand
from twin.server import scheduler_app, serve
from twin.service import DURATION_HEADER, Behaviour, Ingestor, log_row
from twin.source import servicetitan
from twin.warehouse import Warehouse

HISTORY = timedelta(days=30)
"""How long the source has been filling when the rehearsal begins."""

LOGGED_DAYS = 7
"""For how many days back the run log has the runs of the jobs made by hand."""


@dataclass
class Twin:
    """`address` is Cloud Scheduler's, `bigquery_address` BigQuery's, such as "http://127.0.0.1:40001".

    `identity_address` is that of IAM and Cloud Run.
    """

    settings: Settings
    clock: Clock
    scheduler: Scheduler
    ingestor: Ingestor
    dispatcher: Dispatcher
    warehouse: Warehouse
    address: str
    bigquery_address: str
    identity: Identity
    identity_address: str
    lock: Lock = field(default_factory=Lock)

    @property
    def endpoints(self) -> dict[str, str]:
        """The google provider's variables, which lead it and Google's clients here."""
        return {
            SCHEDULER_ENDPOINT: f"{self.address}/v1/",
            BIGQUERY_ENDPOINT: f"{self.bigquery_address}/bigquery/v2/",
            # Without the version: of an http address, the provider does not take it off before it adds its own.
            IAM_ENDPOINT: f"{self.identity_address}/",
            RUN_ENDPOINT: f"{self.identity_address}/v2/",
        }

    def advance(self, moment: datetime) -> None:
        """Lets time pass until `moment` (aware); what is due runs."""
        with self.lock:
            self.dispatcher.advance(moment)

    def seed(self, entity: Entity) -> None:
        """The entity's job made by hand, and what its runs have left. Raises ValueError for one without such a job."""
        job = self.scheduler.create(parent(self.settings), made_by_hand(entity, self.settings))
        live = self.settings.world_at_start()[entity.name]
        if live.declared and live.declared.paused:
            self.scheduler.pause(job["name"])
        ran = last_run(live.cadence, self.clock.now, self.settings.time_zone)
        self.scheduler.jobs[job["name"]] |= {"lastAttemptTime": stamp(ran), "status": {}}
        upstream = self.ingestor.upstream
        records = upstream.records(entity.name, ran)
        self.warehouse.load(entity.name, records, ran, upstream.streams[entity.name])
        self.ingestor.read[entity.name] = records
        self.warehouse.cursor(entity.name)
        self.warehouse.set_cursor(entity.name, ran, len(records))
        rows = []
        for days in range(LOGGED_DAYS):
            started = ran - timedelta(days=days)
            since = started - timedelta(days=1) - SERVED[entity.name].lookback
            fetched = len(upstream.fetch(entity.name, since, started))
            ended = min(started + Behaviour().duration, self.clock.now)
            rows.append(log_row(entity.log_name, f"seed-{entity.name}-{days}", started, ended, fetched))
        upstream.asked.clear()
        self.warehouse.log(*rows)


@contextmanager
def running(settings: Settings, now: datetime) -> Iterator[Twin]:
    """A twin with the jobs made by hand and what they have loaded until `now`; it ends with the block.

    Where all of these jobs send a token, the service lets nobody in without one.
    """
    clock = Clock(now)
    scheduler = Scheduler(clock)
    warehouse = Warehouse(settings)
    ingestor = Ingestor(clock, warehouse, settings, servicetitan(now - HISTORY, settings.time_zone))
    lock = Lock()
    with ExitStack() as stack:
        stack.callback(warehouse.close)
        service = stack.enter_context(serve(ingestor))
        identity = Identity(settings)
        iam = stack.enter_context(serve(identity))
        dispatcher = Dispatcher(scheduler, lambda job: send(job, settings.base_url, service, identity))
        address = stack.enter_context(serve(scheduler_app(scheduler, dispatcher.fire, lock)))
        api = bigquery_app(BigQuery(settings, warehouse, lambda: clock.now), lock)
        bigquery = stack.enter_context(serve(api))
        twin = Twin(settings, clock, scheduler, ingestor, dispatcher, warehouse, address, bigquery, identity, iam, lock)
        for live in settings.world_at_start().values():
            twin.seed(live.entity)
        targets = [job["httpTarget"] for job in scheduler.jobs.values()]
        for target in targets:
            if "oidcToken" in target:
                identity.let_in(target["oidcToken"], target["oidcToken"].get("audience") or target["uri"])
        if targets and all("oidcToken" in target for target in targets):
            identity.open_to_anybody(False)
        scheduler.writes.clear()
        yield twin


def send(job: Fields, base_url: str, service: str, identity: Identity) -> Answer:
    """Sends a job's request to the stand-in; nothing but the ingest service's own address is ever sent to it.

    A target elsewhere is answered as one that cannot be reached; a request that `identity` does not let through, as
    Cloud Run does before the service sees it.
    """
    target = job["httpTarget"]
    if not target["uri"].startswith(f"{base_url}/"):
        return Answer(503, timedelta(0))
    token = target.get("oidcToken")
    # Cloud Scheduler's own default of the audience.
    if not identity.may_invoke(token and {"audience": target["uri"], **token}):
        return Answer(403, timedelta(0))
    place = urlsplit(service)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=10)
    try:
        path = quote(target["uri"].removeprefix(base_url), safe=string.punctuation)
        connection.request(target["httpMethod"], path, headers=target["headers"])
        response = connection.getresponse()
        response.read()
        return Answer(response.status, timedelta(seconds=float(response.headers.get(DURATION_HEADER, 0))))
    finally:
        connection.close()
