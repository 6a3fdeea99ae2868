"""Dependencies point one way, and the folder constructs/ lives beside PyPI's package of that name."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import constructs
from commands.cli import COMMANDS
from tests.checkout import ROOT, Checkout
from tests.layout import ARROWS, CLOCKS, DOMAIN, INSIDE

PROVIDER = {"cdktf", "cdktf_cdktf_provider_google", "jsii"}
SEAM = ROOT / "constructs" / "bindings.py"


def sources(part: str) -> list[Path]:
    place = ROOT / part
    return [place] if place.is_file() else sorted(place.rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    """The top-level names that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import hides the arrow, name the package"
            yield str(node.module).partition(".")[0]


@pytest.mark.parametrize("part", ARROWS)
def test_a_part_imports_only_what_its_arrows_allow(part: str) -> None:
    for file in sources(part):
        allowed = ARROWS[part] | {part.removesuffix(".py")} | (PROVIDER if file == SEAM else set())
        foreign = {name for name in imports(file) if name not in sys.stdlib_module_names} - allowed
        assert not foreign, f"{file.relative_to(ROOT)} imports {', '.join(sorted(foreign))}"


def dotted(file: Path) -> Iterator[str]:
    """Every module that a file imports, in full, the members of packages included."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("room", INSIDE)
def test_a_folder_of_operations_imports_only_what_its_arrows_allow(room: str) -> None:
    place = ROOT / "operations" / room
    for file in sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]:
        others = {name.split(".")[1] for name in dotted(file) if name.startswith("operations.")} - {room}
        assert others <= INSIDE[room], f"{file.relative_to(ROOT)} imports {others - INSIDE[room]}"


def folder_of(module: str) -> str:
    """The folder below ingest/ in which a module is, by its full name or that of one of its members."""
    return next((folder for folder in DOMAIN if module.startswith(f"ingest.{folder}.")), "")


@pytest.mark.parametrize("file", sources("ingest"), ids=lambda file: file.stem)
def test_a_module_of_the_domain_imports_only_what_its_arrows_allow(file: Path) -> None:
    parts = file.relative_to(ROOT / "ingest").parts
    folder = parts[0] if len(parts) > 1 else ""
    others = {folder_of(name) for name in dotted(file) if name.startswith("ingest.")} - {folder}

    assert others <= DOMAIN[folder], f"{file.relative_to(ROOT)} imports {others - DOMAIN[folder]}"


@pytest.mark.parametrize("file", sources("commands"), ids=lambda file: file.stem)
def test_a_command_imports_no_other(file: Path) -> None:
    # What they share is above their folders.
    others = {name for name in dotted(file) if name.startswith(tuple(f"commands.{folder}." for folder in COMMANDS))}

    assert not others, f"{file.relative_to(ROOT)} imports {others}"


@pytest.mark.parametrize("part", ["ingest", "operations", "twin", "rehearsal", "commands"])
def test_only_one_place_looks_at_the_clock(part: str) -> None:
    for file in sources(part):
        asks = {ast.unparse(n.func) for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Call)}
        looks = asks & {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
        assert not looks or str(file.relative_to(ROOT)) in CLOCKS, f"{file} asks {looks}; take `now` as an argument"


def test_no_test_imports_from_a_test() -> None:
    for file in (ROOT / "tests").rglob("*.py"):
        named = {part for name in dotted(file) if name.startswith("tests.") for part in name.split(".")}
        assert not {part for part in named if part == "conftest" or part.startswith("test_")}, file


def test_every_part_has_its_arrows() -> None:
    parts = {file.parts[0] for file in (f.relative_to(ROOT) for f in ROOT.glob("*/*.py")) if file.parts[0][0] != "."}
    parts |= {file.name for file in ROOT.glob("*.py")}

    assert parts - {"tests", "bench", "node_modules"} <= ARROWS.keys()


MODULES = [file.relative_to(ROOT) for part in ARROWS for file in sources(part)]
MOST_MODULES = 14
"""In one folder."""


def test_every_module_has_its_test_at_the_same_place() -> None:
    tested = [file for file in MODULES if len(file.parts) > 1 and not file.name.startswith("__")]
    lacking = [file for file in tested if not (ROOT / "tests" / file.with_name(f"test_{file.name}")).is_file()]

    assert len(tested) > 100
    assert not lacking, f"no test at tests/<same path>/test_<module>.py: {', '.join(map(str, lacking))}"


def test_no_folder_is_crowded() -> None:
    folders = Counter(file.parent for file in MODULES)

    assert max(folders.values()) <= MOST_MODULES, f"make rooms in {folders.most_common(1)[0][0]}/"


def test_the_domain_loads_no_cdktf_google_or_click() -> None:
    modules = ", ".join(".".join(file.relative_to(ROOT).with_suffix("").parts) for file in sources("ingest"))
    code = f"import sys, {modules}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    loaded = set(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).split())

    assert "ingest" in loaded
    assert not loaded & {*PROVIDER, "constructs", "jsii", "google", "click"}


def test_our_constructs_folder_is_no_package_of_its_own() -> None:
    assert not (ROOT / "constructs" / "__init__.py").exists(), "with it, PyPI's constructs cannot be imported"


def test_no_file_of_ours_hides_one_of_pypis_package() -> None:
    theirs = {path.stem for path in Path(str(constructs.__file__)).parent.iterdir()}

    assert not theirs & {path.stem for path in (ROOT / "constructs").glob("*.py")}


WHERE = """
import constructs, constructs.ingest_schedule as ours
print(constructs.__file__); print(ours.__file__)
"""


def assert_both_are_there(printed: str, root: Path) -> None:
    theirs, ours = printed.split()[-2:]
    assert Path(theirs).parent.parent.name == "site-packages"
    assert Path(ours).resolve() == (root / "constructs" / "ingest_schedule.py").resolve()


def test_pytest_imports_pypis_constructs_and_ours() -> None:
    import constructs.ingest_schedule as ours

    assert_both_are_there(f"{constructs.__file__} {ours.__file__}", ROOT)


def test_python_imports_pypis_constructs_and_ours() -> None:
    assert_both_are_there(subprocess.check_output([sys.executable, "-c", WHERE], cwd=ROOT, text=True), ROOT)


def test_an_installed_command_imports_pypis_constructs_and_ours_from_any_folder(tmp_path: Path) -> None:
    # -I: neither the current folder nor the environment, only what is installed; as a console script has it.
    printed = subprocess.check_output([sys.executable, "-I", "-c", WHERE], cwd=tmp_path, text=True)

    assert_both_are_there(printed, ROOT)


def synthesized(checkout: Checkout) -> dict[str, bytes]:
    folder = checkout.root / "cdktf.out"
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.json")}


def test_the_cdktf_cli_imports_both_and_writes_what_python_writes(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.set_context(night=2)
    by_cli = checkout.cdktf("synth")
    from_cli = synthesized(checkout)
    shutil.rmtree(tmp_path / "cdktf.out")
    by_python = checkout.main()

    assert (by_cli.returncode, by_python.returncode) == (0, 0), by_cli.stdout + by_cli.stderr + by_python.stderr
    assert len(from_cli) == 5, "four stacks and the manifest"
    assert from_cli == synthesized(checkout)


@pytest.mark.parametrize("safe_path", ["", "1"])
def test_main_works_from_another_folder_and_with_pythonsafepath(safe_path: str, tmp_path: Path) -> None:
    (tmp_path / "checkout").mkdir()
    checkout = Checkout(tmp_path / "checkout")
    done = checkout.run(
        sys.executable, str(checkout.root / "main.py"), cwd=tmp_path, environ={"PYTHONSAFEPATH": safe_path}
    )

    assert done.returncode == 0, done.stderr
    assert (checkout.root / "cdktf.out" / "manifest.json").exists()
    assert not (tmp_path / "cdktf.out").exists()


def test_the_wheel_leaves_the_constructs_folder_out(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")

    assert {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()} == {
        "ingest",
        "operations",
        "twin",
        "rehearsal",
        "commands",
        "toolchain.py",
        "servicetitan_ingest_schedules-0.1.0.dist-info",
    }


def test_the_lock_file_holds_no_registry_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))

    assert not [name for name, package in lock["packages"].items() if "resolved" in package]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-terrain.txt"])
def test_the_lock_files_of_python_hold_hashes_and_no_registry_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")

    assert "://" not in text
    assert all("--hash=sha256:" in part for part in re.split(r"\n(?=\S)", text) if "==" in part.split("\n")[0])


def test_cdk_terrain_is_locked_to_the_versions_that_are_installed_anyway() -> None:
    ours, theirs = (
        dict(re.findall(r"^(\S+)==(\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("requirements.txt", "requirements-terrain.txt")
    )

    assert {name for name, pin in theirs.items() if ours.get(name) != pin} == {"cdktn", "cdktn-provider-google"}
