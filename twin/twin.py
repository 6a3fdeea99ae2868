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

from ingest.settings import Settings
from operations.cloud.bigquery import ENDPOINT_VARIABLE as BIGQUERY_ENDPOINT
from operations.cloud.credentials import ENDPOINT_VARIABLE as SCHEDULER_ENDPOINT
from operations.cloud.scheduler import parent
from twin.bigquery import BigQuery, bigquery_app
from twin.clock import Clock
from twin.dispatcher import Answer, Dispatcher
from twin.identity import IAM_ENDPOINT, RUN_ENDPOINT, Identity
from twin.scheduler import Fields, Scheduler, stamp
from twin.seeds import last_run, made_by_hand
from twin.server import scheduler_app, serve
from twin.service import DURATION_HEADER, Ingestor
from twin.warehouse import Warehouse

HISTORY = timedelta(days=30)
"""How long the source has been filling when the rehearsal begins."""


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


@contextmanager
def running(settings: Settings, now: datetime) -> Iterator[Twin]:
    """A twin with the jobs made by hand and the tables that they have loaded until `now`; it ends with the block."""
    clock = Clock(now)
    scheduler = Scheduler(clock)
    warehouse = Warehouse(settings)
    ingestor = Ingestor(clock, warehouse, settings, now - HISTORY)
    lock = Lock()
    with ExitStack() as stack:
        stack.callback(warehouse.close)
        service = stack.enter_context(serve(ingestor))
        identity = Identity(settings)
        iam = stack.enter_context(serve(identity))
        dispatcher = Dispatcher(scheduler, lambda job: send(job, settings.base_url, service, identity))
        address = stack.enter_context(serve(scheduler_app(scheduler, dispatcher.fire, lock)))
        bigquery = stack.enter_context(serve(bigquery_app(BigQuery(settings, warehouse), lock)))
        twin = Twin(settings, clock, scheduler, ingestor, dispatcher, warehouse, address, bigquery, identity, iam, lock)
        for entity, live in ((one.entity, one) for one in settings.world_at_start().values()):
            job = scheduler.create(parent(settings), made_by_hand(entity, settings))
            if live.declared and live.declared.paused:
                scheduler.pause(job["name"])
            ran = last_run(live.cadence, now, settings.time_zone)
            warehouse.load(entity.name, range(ingestor.records(entity.name, ran)), ran)
            scheduler.jobs[job["name"]] |= {"lastAttemptTime": stamp(ran), "status": {}}
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
    if not identity.may_invoke(target.get("oidcToken")):
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
