"""Catalogues of any size: as many daily entities as are asked for, five minutes apart as far as a day goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

from ingest.catalogue import CATALOGUE
from ingest.entity import Entity, Group
from ingest.rollout import Job, Management, Night, Strategy, World
from ingest.rules import GAP_MINUTES, Plan
from ingest.schedule import DAY_MINUTES, Cadence
from ingest.settings import Settings

COUNTS = (16, 160, 1600)
"""The numbers of entities that are measured."""

SLOTS = DAY_MINUTES // GAP_MINUTES
"""How many daily jobs a day has room for, each GAP_MINUTES after the one before."""

GROUP = Group(name="core", opens=time(0))


def entities(count: int) -> list[Entity]:
    """Entities named entity_0 and so on; beyond SLOTS they share the slots of the first ones."""
    return [replace(CATALOGUE[0], name=f"entity_{number}", target=_slot(number), live=None) for number in range(count)]


def _slot(number: int) -> Cadence:
    hours, minutes = divmod(number % SLOTS * GAP_MINUTES, 60)
    return Cadence.daily(f"{hours:02}:{minutes:02}")


def jobs(count: int) -> list[Job]:
    """The entities' jobs, all declared by the rollout and none of them adopted."""
    return [Job(entity, entity.target, Management.DECLARED, imported=False) for entity in entities(count)]


def world(count: int) -> World:
    return {job.entity.name: job for job in jobs(count)}


def plan(settings: Settings, count: int) -> Plan:
    """What ingest.rules looks at: the entities in one group, created on one night."""
    catalogue = entities(count)
    night = Night(number=0, title="all", creates=tuple(entity.name for entity in catalogue))
    return Plan(settings=settings, catalogue=catalogue, groups=(GROUP,), strategies=(Strategy("all", (night,)),))
