"""The assembly that Node reads: the classes that we name, made once, and the whole one wherever that does not work."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from constructs import assembly
from constructs.assembly import KEPT, VARIABLE, cache_folder, cut_down
from constructs.bindings import KITS, PROVIDER_MODULES
from operations.terraform import synth
from operations.terraform.synth import synthesize_all
from tests.checkout import ENVIRON, ROOT, Checkout, run_in
from tests.terrain.given import every_night

LOADING = """
__jsii_assembly__ = jsii.JSIIAssembly.load(
    "@made/up",
    "1.2.3",
    __name__[0:-6],
    "up@1.2.3.jsii.tgz",
)
"""
CUT = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT / "constructs")!r})
from assembly import cut_down
print(cut_down(Path(sys.argv[1]), ("_jsii", "storage_bucket")))
"""


def kind(name: str, **more: Any) -> dict[str, Any]:
    return {"fqn": f"@made/up.{name}", "kind": "class", **more}


def contents() -> dict[str, Any]:
    """A package of three modules that know nothing of each other: the files of its archive, JSON as what it says."""
    folders = {"storageBucket": "storage-bucket", "project": "project", "dnsZone": "dns-zone"}
    files: dict[str, Any] = {
        ".jsii": {
            "name": "@made/up",
            "version": "1.2.3",
            "dependencies": {"cdktf": "^0.21.0"},
            "submodules": {f"@made/up.{name}": {"symbolId": name} for name in folders},
            "types": {(one := kind(f"{name}.Thing", base="cdktf.Thing"))["fqn"]: one for name in folders},
        },
        "package.json": {"name": "@made/up", "version": "1.2.3", "main": "lib/index.js"},
        "lib/index.js": "".join(f'exports.{name} = require("./{folder}");\n' for name, folder in folders.items()),
        "README.md": "long",
    }
    for folder in folders.values():
        files[f"lib/{folder}/index.js"] = 'const cdktf = require("cdktf");\n'
        files[f"lib/{folder}/index.d.ts"] = "export {};\n"
    return files


def pack(files: dict[str, Any], package: Path) -> Path:
    """Writes the package's archive; its folder."""
    (package / "_jsii").mkdir(parents=True, exist_ok=True)
    (package / "_jsii" / "__init__.py").write_text(LOADING)
    with tarfile.open(package / "_jsii" / "up@1.2.3.jsii.tgz", "w:gz") as archive:
        for name, content in files.items():
            data = (content if isinstance(content, str) else json.dumps(content)).encode()
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return package


def cut(package: Path, *modules: str) -> Path | None:
    found = cut_down(package, ("_jsii", *modules))
    assert found is None or found[:2] == ("@made/up", "1.2.3")
    return Path(found[2]) if found else None


def unpacked(file: Path | None) -> dict[str, Any]:
    assert file is not None, "the whole assembly was used"
    with tarfile.open(file) as archive:
        found = {member.name.removeprefix("package/"): archive.extractfile(member) for member in archive}
        text = {name: content.read().decode() for name, content in found.items() if content}
    return {name: json.loads(content) if name[0] in ".p" else content for name, content in text.items()}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "servicetitan-ingest-schedules"


@pytest.fixture
def package(cache: Path, tmp_path: Path) -> Path:
    return pack(contents(), tmp_path / "made_up")


def test_only_what_is_named_is_left(package: Path) -> None:
    before, after = contents(), unpacked(cut(package, "storage_bucket"))

    assert after.keys() == {".jsii", "package.json", "lib/index.js", "lib/storage-bucket/index.js"}
    assert after["lib/index.js"] == 'exports.storageBucket = require("./storage-bucket");\n'
    for part in ("types", "submodules"):
        named = {name: about for name, about in before[".jsii"][part].items() if "storageBucket" in name}
        assert after[".jsii"].pop(part) == named != before[".jsii"].pop(part)
    for same in (".jsii", "package.json", "lib/storage-bucket/index.js"):
        assert after[same] == before[same]


def base(files: dict[str, Any], other: str) -> None:
    files[".jsii"]["types"]["@made/up.storageBucket.Thing"]["base"] = other


def interface(files: dict[str, Any], other: str) -> None:
    files[".jsii"]["types"]["@made/up.storageBucket.Thing"]["interfaces"] = [other]


def property_of_a_list(files: dict[str, Any], other: str) -> None:
    of = {"collection": {"elementtype": {"union": {"types": [{"primitive": "string"}, {"fqn": other}]}}}}
    files[".jsii"]["types"]["@made/up.storageBucket.Thing"]["properties"] = [{"name": "one", "type": of}]


def parameter(files: dict[str, Any], other: str) -> None:
    method = {"name": "put", "parameters": [{"name": "value", "type": {"fqn": other}}]}
    files[".jsii"]["types"]["@made/up.storageBucket.Thing"]["methods"] = [method]


def javascript(files: dict[str, Any], _: str) -> None:
    files["lib/storage-bucket/deep/one.js"] = 'require("../index"); require("../../dns-zone/index");'


@pytest.mark.parametrize("refer", [base, interface, property_of_a_list, parameter, javascript])
def test_what_is_referred_to_is_kept_as_well(refer: Callable[..., None], package: Path) -> None:
    files = contents()
    refer(files, "@made/up.dnsZone.Thing")

    after = unpacked(cut(pack(files, package), "storage_bucket"))

    assert after[".jsii"]["submodules"].keys() == {"@made/up.storageBucket", "@made/up.dnsZone"}
    assert "lib/dns-zone/index.js" in after
    assert "dnsZone" in after["lib/index.js"]


def test_what_is_referred_to_may_refer_to_more(package: Path) -> None:
    files = contents()
    base(files, "@made/up.dnsZone.Thing")
    files[".jsii"]["types"]["@made/up.dnsZone.Thing"]["base"] = "@made/up.project.Thing"

    assert len(unpacked(cut(pack(files, package), "storage_bucket"))[".jsii"]["types"]) == 3


def type_outside_of_modules(files: dict[str, Any]) -> None:
    files[".jsii"]["types"]["@made/up.Thing"] = kind("Thing")


def module_in_a_module(files: dict[str, Any]) -> None:
    files[".jsii"]["submodules"]["@made/up.dnsZone.inner"] = {}


def another_package(files: dict[str, Any]) -> None:
    files["lib/storage-bucket/index.js"] = 'require("left-pad")'


def file_beside_the_modules(files: dict[str, Any]) -> None:
    files["lib/storage-bucket/index.js"] = 'require("../lazy-index")'


def file_outside_of_lib(files: dict[str, Any]) -> None:
    files["lib/storage-bucket/index.js"] = 'require("../../package.json")'


def module_that_is_gone(files: dict[str, Any]) -> None:
    del files["lib/storage-bucket/index.js"]


def compressed_assembly(files: dict[str, Any]) -> None:
    files[".jsii"] = {"schema": "jsii/file-redirect", "compression": "gzip", "filename": ".jsii.gz"}


def other_main_file(files: dict[str, Any]) -> None:
    files["package.json"]["main"] = "lib/lazy-index.js"


LAYOUTS = [
    type_outside_of_modules,
    module_in_a_module,
    another_package,
    file_beside_the_modules,
    file_outside_of_lib,
    module_that_is_gone,
    compressed_assembly,
    other_main_file,
]


@pytest.mark.parametrize("change", LAYOUTS)
def test_a_package_of_another_layout_is_used_whole_and_not_cut_again(
    change: Callable[..., None], package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = contents()
    change(files)
    assert cut(pack(files, package), "storage_bucket") is None

    tries: list[object] = []
    monkeypatch.setattr(assembly, "_cut", lambda *arguments: tries.append(arguments))
    assert cut(package, "storage_bucket") is None
    assert tries == []


@pytest.mark.parametrize("text", [None, "", LOADING.replace("__name__[0:-6]", "'made_up'")])
def test_a_package_that_loads_its_assembly_in_another_way_is_used_whole(text: str | None, package: Path) -> None:
    (package / "_jsii" / "__init__.py").unlink()
    if text is not None:
        (package / "_jsii" / "__init__.py").write_text(text)

    assert cut(package, "storage_bucket") is None


def test_the_variable_turns_it_off(package: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")

    assert cut(package, "storage_bucket") is None
    assert not cache.exists()


def test_it_is_cut_once(package: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = cut(package, "storage_bucket", "project")
    monkeypatch.setattr(assembly, "_cut", lambda *_: pytest.fail("cut again"))

    assert cut(package, "project", "storage_bucket") == first
    assert list(cache.iterdir()) == [first]


def test_a_list_of_other_modules_has_a_cut_of_its_own(package: Path) -> None:
    assert len(unpacked(cut(package, "storage_bucket"))[".jsii"]["types"]) == 1
    assert len(unpacked(cut(package, "storage_bucket", "project"))[".jsii"]["types"]) == 2


def test_a_change_of_the_code_that_cuts_cuts_again(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = cut(package, "storage_bucket")
    (tmp_path / "changed.py").write_text(Path(assembly.__file__).read_text() + "# Another rule.\n")
    monkeypatch.setattr(assembly, "__file__", str(tmp_path / "changed.py"))

    assert cut(package, "storage_bucket") not in (first, None)


def test_a_package_whose_archive_changed_is_cut_again(package: Path) -> None:
    first = cut(package, "storage_bucket")
    whole = package / "_jsii" / "up@1.2.3.jsii.tgz"
    before = whole.stat()
    files = contents()
    files[".jsii"]["types"]["@made/up.storageBucket.Thing"]["base"] = "cdktf.thing"
    pack(files, package)
    os.utime(whole, ns=(before.st_atime_ns, before.st_mtime_ns))

    second = cut(package, "storage_bucket")
    assert second != first
    assert unpacked(second)[".jsii"]["types"]["@made/up.storageBucket.Thing"]["base"] == "cdktf.thing"


def test_a_damaged_archive_is_left_to_jsii(package: Path) -> None:
    whole = package / "_jsii" / "up@1.2.3.jsii.tgz"
    whole.write_bytes(whole.read_bytes()[:-100])

    assert cut(package, "storage_bucket") is None


def cut_short(content: bytes) -> bytes:
    return content[: len(content) // 2]


def one_bit(content: bytes) -> bytes:
    return content[:99] + bytes([content[99] ^ 1]) + content[100:]


def nothing(content: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("damage", [cut_short, one_bit, nothing])
def test_a_cut_that_was_damaged_is_made_again(
    damage: Callable[[bytes], bytes], package: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = cut(package, "storage_bucket")
    assert first
    content = first.read_bytes()
    first.write_bytes(damage(content))

    later = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later)
    assert cut(package, "storage_bucket") == first
    assert first.read_bytes() == content
    assert list(cache.iterdir()) == [first]


def run(package: Path, code: str = CUT, **more: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, str(package)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def test_many_processes_that_cut_at_once_get_the_same(package: Path, cache: Path) -> None:
    processes = [run(package) for _ in range(8)]
    printed = {process.communicate() for process in processes}

    (made,) = cache.iterdir()
    assert printed == {(f"('@made/up', '1.2.3', '{made}')\n", "")}
    assert len(unpacked(made)[".jsii"]["types"]) == 1


def test_a_process_that_is_killed_leaves_nothing_that_is_used(package: Path, cache: Path) -> None:
    kill = "import os, signal; os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)"
    assert run(package, f"{kill}\n{CUT}").wait() == -signal.SIGKILL
    (left,) = cache.iterdir()

    made = cut(package, "storage_bucket")
    assert made not in (left, None)
    assert len(unpacked(made)[".jsii"]["types"]) == 1


def test_a_cache_that_is_full_is_done_without(package: Path, cache: Path) -> None:
    done = run(package, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)))

    assert done.communicate() == ("None\n", "")
    assert list(cache.iterdir()) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
def test_a_cache_that_is_read_only_is_done_without(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc")

    assert cut(package, "storage_bucket") is None


def test_nothing_is_cut_where_it_cannot_be_kept(package: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(assembly, "mkstemp", refuse)
    monkeypatch.setattr(assembly, "_cut", lambda *_: pytest.fail("cut for nothing"))
    assert cut(package, "storage_bucket") is None


def test_a_cut_in_a_cache_that_is_read_only_by_now_is_used(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise OSError(30, "Read-only file system")

    made = cut(package, "storage_bucket")
    monkeypatch.setattr(os, "utime", refuse)

    assert cut(package, "storage_bucket") == made is not None


def test_what_nobody_used_for_long_is_removed(package: Path, cache: Path) -> None:
    used, unused = cut(package, "storage_bucket"), cut(package, "project")
    (cache / "tmp1234").touch()
    for path in cache.iterdir():
        os.utime(path, (time.time() - KEPT - 60,) * 2)
    assert used == cut(package, "storage_bucket")

    made = cut(package, "dns_zone")
    assert {used, made} == set(cache.iterdir())
    assert unused not in (used, made, None)


@pytest.mark.parametrize(
    ("platform", "environ", "place"),
    [
        ("linux", {}, "home/.cache"),
        ("linux", {"XDG_CACHE_HOME": "{tmp}/xdg"}, "xdg"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "home/.cache"),
        ("darwin", {}, "home/Library/Caches"),
        ("darwin", {"XDG_CACHE_HOME": "{tmp}/xdg"}, "xdg"),
        ("win32", {"LOCALAPPDATA": "{tmp}/local", "XDG_CACHE_HOME": "{tmp}/xdg"}, "local"),
        ("win32", {}, "home/AppData/Local"),
    ],
)
def test_the_cache_is_where_the_system_has_it(
    platform: str, environ: dict[str, str], place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    given = {name: value.format(tmp=tmp_path) for name, value in environ.items()}

    folder = cache_folder(given, platform)
    assert folder == tmp_path / place / "servicetitan-ingest-schedules"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_cache_that_other_users_may_change_is_not_used(package: Path, cache: Path) -> None:
    assert cut(package, "storage_bucket")
    cache.chmod(0o777)

    assert cut(package, "storage_bucket") is None


TYPES = """
import os, sys
import toolchain
toolchain.quiet_node(os.environ)
import jsii
from constructs.bindings import PROVIDER_PACKAGE
from jsii._kernel.types import LoadRequest
loaded = sys.modules[PROVIDER_PACKAGE]._jsii.__jsii_assembly__
print(jsii.kernel.provider.load(LoadRequest(name=loaded.name, version=loaded.version, tarball="")).types)
"""


def types(environ: dict[str, str], code: str = TYPES) -> int:
    """How many types of the provider Node knows."""
    done = run_in(ROOT, sys.executable, "-c", code, environ=ENVIRON | environ)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.fixture(params=KITS)
def kit(request: pytest.FixtureRequest) -> str:
    if request.param == "cdktn":
        request.getfixturevalue("terrain")
    return str(request.param)


def test_node_reads_the_cut_or_the_whole_whatever_jsii_read_before(kit: str) -> None:
    found = [types({"INGEST_CDK": kit, VARIABLE: whole}) for whole in ("", "1", "")]

    assert max(found[::2]) < 400
    assert found[1] > 10_000


def test_a_cut_that_jsii_refuses_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "cut.tgz").write_bytes(b"no archive")
    refused = f"""
import constructs.assembly as assembly
assembly.cut_down = lambda *_: ("@cdktf/provider-google", "16.12.1", {str(tmp_path / "cut.tgz")!r})
"""
    assert types({}, TYPES.replace("import jsii\n", f"import jsii\n{refused}")) > 10_000


def synthesized(kit: str, folder: Path, whole: str) -> dict[str, bytes]:
    folder.mkdir()
    nights = {folder / name: settings for name, settings in every_night()}
    synthesize_all(ROOT, nights, ENVIRON | {"INGEST_CDK": kit, VARIABLE: whole})
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


PLAIN = """
import importlib, os, sys, toolchain
toolchain.quiet_node(os.environ)
importlib.import_module("cdktf_cdktf_provider_google")
assert len([name for name in sys.modules if name.startswith("cdktf_cdktf_provider_google.")]) > 1000
"""


def test_every_stack_of_every_night_has_the_same_bytes_by_the_plain_import_of_the_whole_package(
    kit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = synthesized(kit, tmp_path / "cut", "")
    if kit == "cdktf":
        monkeypatch.setattr(synth, "_MAIN_FOR_EACH", PLAIN + synth._MAIN_FOR_EACH)
    whole = synthesized(kit, tmp_path / "whole", "1")

    assert len([name for name in whole if name.endswith("manifest.json")]) == len(list(every_night()))
    text = b"".join(whole.values()).decode()
    kinds = [name.removeprefix("data_") for name in PROVIDER_MODULES if name not in ("_jsii", "provider")]
    assert not [kind for kind in kinds if f'"google_{kind.removeprefix("google_")}"' not in text]
    assert cut == whole


def test_a_module_that_is_imported_and_not_named_is_an_error_in_one_line(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    seam = tmp_path / "constructs" / "bindings.py"
    line = "from cdktf_cdktf_provider_google.pubsub_topic import PubsubTopic  # noqa\n"
    seam.write_text(seam.read_text().replace("\n__all__", f"\n{line}\n__all__"))

    done = checkout.main()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "main.py: pubsub_topic: name it in PROVIDER_MODULES, constructs/bindings.py\n"
