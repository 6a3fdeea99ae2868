"""The checkout that the command works on."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from ingest.baseline import Baseline
from ingest.rules import Plan, problems
from ingest.settings import FILE, Settings, load, load_first_night
from ingest.text.shapes import ShapeError
from operations.errors import OperationError

ROOT = Path(__file__).resolve().parents[2]


def find_root(folder: Path) -> Path:
    """The repository around `folder`. Raises OperationError outside it and in another checkout than this code's."""
    for place in (folder, *folder.parents):
        if (place / FILE).is_file() and (place / "main.py").is_file():
            if place.resolve() != ROOT:
                raise OperationError(
                    f"{place} is another checkout than the one this command was installed from ({ROOT}); "
                    f"run {place / '.venv/bin/ingest-rollout'} (`make setup` there puts it in place)"
                )
            return ROOT
    raise OperationError(f"{folder} is not inside the repository; cd to {ROOT} or to a folder in it")


def read_settings(*, night: int | None = None, strategy: str | None = None) -> Settings:
    """The settings of the repository around the current folder, checked together with the plan's rules.

    `night` and `strategy` are the command's options. Raises OperationError with all problems.
    """
    settings = _read(load, {"night": night, "strategy": strategy})
    refuse_broken_rules(settings)
    return settings


def read_unchecked() -> Settings:
    """The same for what only shows, and helps to correct what breaks a rule. Raises OperationError."""
    return _read(load, {})


def refuse_broken_rules(settings: Settings) -> None:
    """Raises OperationError with all of them."""
    if broken := problems(Plan(settings=settings, catalogue=settings.catalogue)):
        raise OperationError("\n".join(map(str, broken)))


def read_first_night(strategy: str | None = None, *, found: Baseline | None = None) -> Settings:
    """The same at the strategy's first night, whatever night is committed: for what concerns all nights.

    `found` is used in place of the committed baseline.
    """
    settings = _read(partial(load_first_night, found=found), {"strategy": strategy})
    refuse_broken_rules(settings)
    return settings


def _read(loader: Callable[..., Settings], options: Mapping[str, object]) -> Settings:
    overrides = {key: (f"--{key}", str(value)) for key, value in options.items() if value is not None}
    try:
        return loader(find_root(Path.cwd()), os.environ, overrides)
    except ShapeError as error:
        raise OperationError(str(error)) from None
