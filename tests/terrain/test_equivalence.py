"""The same constructs and stacks under CDK Terrain: the same Terraform, but for what is listed here."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from constructs.bindings import PROVIDER_MODULES
from operations.terraform.synth import synthesize_all
from tests.checkout import ENVIRON, ROOT, run_in
from tests.terrain.given import every_night

# Where the two differ, by the end of the file's name and the path in it; why, and that it does not matter.
DIFFERENCES = {
    ("cdk.tf.json", "//.metadata.version"): "the kit's own version; Terraform ignores `//`",
    (
        "cdk.tf.json",
        "terraform.required_providers.google.source",
    ): "one provider: Terraform reads `google` as the other",
    ("manifest.json", "version"): "the kit's own version; only the CLI reads this file",
}
VALUES = {
    "//.metadata.version": ("cdktf", "cdktn"),
    "terraform.required_providers.google.source": ("google", "hashicorp/google"),
    "version": ("cdktf", "cdktn"),
}

Values = dict[str, Any]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each value in a JSON document by its path; a path inside a list has the index."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not inner:
        yield path, value
    for key, one in inner:
        yield from leaves(one, f"{path}.{key}" if path else str(key))


def differences(ours: Any, theirs: Any) -> dict[str, tuple[Any, Any]]:
    """The paths at which two documents differ, with both values; None where there is none."""
    one, other = dict(leaves(ours)), dict(leaves(theirs))
    return {key: (one.get(key), other.get(key)) for key in one.keys() | other.keys() if one.get(key) != other.get(key)}


def synthesized(kit: str, folder: Path) -> dict[str, Any]:
    """All files that `kit` writes for every night, by night and name."""
    folder.mkdir()
    nights = {folder / name: settings for name, settings in every_night()}
    synthesize_all(ROOT, nights, ENVIRON | {"INGEST_CDK": kit})
    return {str(file.relative_to(folder)): json.loads(file.read_text()) for file in folder.rglob("*.json")}


def test_every_night_synthesizes_the_same_but_for_what_is_listed(terrain: None, tmp_path: Path) -> None:
    ours, theirs = synthesized("cdktf", tmp_path / "cdktf"), synthesized("cdktn", tmp_path / "cdktn")

    assert len([name for name in ours if name.endswith("manifest.json")]) == len(list(every_night()))
    assert ours.keys() == theirs.keys()
    versions = {kit: version(kit) for kit in ("cdktf", "cdktn")}
    for name, content in ours.items():
        expected = {
            path: tuple(versions.get(value, value) for value in VALUES[path])
            for end, path in DIFFERENCES
            if name.endswith(end)
        }
        assert differences(content, theirs[name]) == expected, name

    kinds = {kind for content in ours.values() for part in ("resource", "data") for kind in content.get(part, {})}
    asked = {f"google_{name.removeprefix('data_google_')}" for name in PROVIDER_MODULES} - {
        "google__jsii",
        "google_provider",
    }
    assert kinds == asked, "a class of the seam that no night here has, so that nothing compares it"


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}, {}),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, {"a.1.b": (2, 3)}),
        ({"a": {"b": 2}}, {"a": {}}, {"a.b": (2, None), "a": (None, {})}),
        ({"a": [1]}, {"a": [1, 2]}, {"a.1": (None, 2)}),
    ],
)
def test_a_difference_is_found_wherever_it_is(ours: Any, theirs: Any, found: Values) -> None:
    assert differences(ours, theirs) == found


def test_a_kit_that_is_unknown_is_an_error_in_one_line(tmp_path: Path) -> None:
    done = run_in(
        ROOT,
        sys.executable,
        "main.py",
        environ=ENVIRON | {"INGEST_CDK": "cdk8s", "CDKTF_OUTDIR": str(tmp_path / "out")},
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "main.py: INGEST_CDK: 'cdk8s' is not allowed; allowed: cdktf or cdktn\n"
    assert not (tmp_path / "out").exists()


MISSING = """
import runpy, sys
sys.modules["cdktn"] = None
sys.path.insert(0, ".")
runpy.run_path("main.py", run_name="__main__")
"""


def test_a_kit_that_is_not_installed_says_what_to_install(tmp_path: Path) -> None:
    environ = ENVIRON | {"INGEST_CDK": "cdktn", "CDKTF_OUTDIR": str(tmp_path / "out")}
    done = run_in(ROOT, sys.executable, "-c", MISSING, environ=environ)

    assert done.returncode == 1
    assert done.stderr.startswith("main.py: INGEST_CDK=cdktn: ")
    assert done.stderr.endswith("; `make terrain` installs it\n")
    assert "Traceback" not in done.stderr
