"""The seam to cdktf. That it synthesizes what the plain import does, test_assembly.py shows."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from constructs.bindings import PROVIDER_MODULES, PROVIDER_PACKAGE, load_lazily


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `generated` whose `__init__` marks that it ran, with the module `part`."""
    folder = tmp_path / "generated"
    folder.mkdir()
    (folder / "__init__.py").write_text("ran = True\nfrom generated import part\n")
    (folder / "part.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "generated"]:
        del sys.modules[name]


def test_only_the_modules_in_use_are_loaded() -> None:
    loaded = {name.split(".")[1] for name in sys.modules if name.startswith(f"{PROVIDER_PACKAGE}.")}

    assert loaded == {*PROVIDER_MODULES, "_jsii"}


def test_the_packages_own_init_does_not_run(package: Path) -> None:
    parent = load_lazily("generated", ("part",))

    assert sys.modules["generated.part"].value == 1
    assert not hasattr(parent, "ran")


def test_a_module_that_is_not_loaded_yet_is_found_on_demand(package: Path) -> None:
    parent = load_lazily("generated", ())

    assert parent.part.value == 1
    with pytest.raises(AttributeError):
        _ = parent.no_such_module


@pytest.mark.parametrize("moved", [("part", "moved_away"), ("moved_away",)])
def test_the_plain_import_is_used_when_the_layout_changed(package: Path, moved: tuple[str, ...]) -> None:
    parent = load_lazily("generated", moved)

    assert parent.ran
    assert parent.part.value == 1


def test_the_plain_import_is_used_when_the_package_became_one_module(package: Path) -> None:
    (package.parent / "single.py").write_text("ran = True\n")

    assert load_lazily("single", ("part",)).ran
    del sys.modules["single"]


def test_a_package_that_is_imported_already_is_taken_as_it_is(package: Path) -> None:
    plain = importlib.import_module("generated")

    assert load_lazily("generated", ("part",)) is plain


def test_a_package_that_is_not_installed_is_an_import_error() -> None:
    with pytest.raises(ImportError, match="no_such_package"):
        load_lazily("no_such_package", ("part",))
