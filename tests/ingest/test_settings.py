"""Settings: where they come from, and what is said of those that are wrong."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from ingest.rollout import STRATEGIES, before_rollout, state_at
from ingest.settings import NAMES, as_environ, load, load_first_night, read_context
from ingest.text.shapes import ShapeError
from tests.checkout import ROOT
from tests.given.domain import CONTEXT, IDENTITY, SETTINGS, WITH_INVOKER, night

# What each setting may also be, as an environment variable says it, and what it becomes.
OTHERS: dict[str, tuple[str, Any]] = {
    "project": ("other-project-1", "other-project-1"),
    "region": ("europe-west6", "europe-west6"),
    "time_zone": ("America/Denver", "America/Denver"),
    "base_url": ("https://localhost:8443/a/b", "https://localhost:8443/a/b"),
    "reference_path": ("/ingest-ref", "/ingest-ref"),
    "dataset": ("raw_2", "raw_2"),
    "reference_dataset": ("ref_2", "ref_2"),
    "run_log": ("", ""),
    "reconcile_business_units": ("2305, 898", ("2305", "898")),
    "reconcile_statuses": ("Completed,InProgress", ("Completed", "InProgress")),
    "job_prefix": ("acme-load-", "acme-load-"),
    "source": ("Acme ERP", "Acme ERP"),
    "strategy": ("immediate", "immediate"),
    "night": ("2", 2),
    "adopt_existing": ("false", False),
    "backend": ("gcs", "gcs"),
    "backend_bucket": ("some-bucket.example_1", "some-bucket.example_1"),
    "backend_prefix": ("a/b.c-d", "a/b.c-d"),
    "invoker_service_account": ("run@p.iam.gserviceaccount.com", "run@p.iam.gserviceaccount.com"),
    "create_invoker": ("false", False),
    "cloud_run_service": ("ingestor-2", "ingestor-2"),
    "notification_channels": (
        "projects/p-1/notificationChannels/1, projects/p-1/notificationChannels/2",
        ("projects/p-1/notificationChannels/1", "projects/p-1/notificationChannels/2"),
    ),
    "freshness_service_account": ("f@p.iam.gserviceaccount.com", "f@p.iam.gserviceaccount.com"),
    "deployers": (
        "group:a@example.com,user:b+c@example.com,group:a@example.com",
        ("group:a@example.com", "user:b+c@example.com"),
    ),
    "operators": ("serviceAccount:a@p.iam.gserviceaccount.com", ("serviceAccount:a@p.iam.gserviceaccount.com",)),
    "github_repository": ("acme/ingest-schedules", "acme/ingest-schedules"),
    "github_repository_id": ("987654321", "987654321"),
    "github_repository_owner_id": ("12345", "12345"),
    "workload_identity_pool": ("ingest-github", "ingest-github"),
    "attempt_deadline_seconds": ("15", 15),
    "retry_count": ("0", 0),
    "min_backoff_seconds": ("5", 5),
    "max_backoff_seconds": ("3600", 3600),
}

ALLOWED = {
    "time_zone": "an IANA time zone such as America/Phoenix",
    "project": "a Google Cloud project id",
    "region": "a region such as us-central1",
    "base_url": "an https URL without a trailing slash or a query",
    "reference_path": "a path such as /ingest/ref",
    "dataset": "a BigQuery dataset's name",
    "reference_dataset": "a BigQuery dataset's name",
    "run_log": "dataset.table, such as st_logs_v2.ingestion_logs, or empty",
    "reconcile_business_units": 'a list of ids in quotes such as "2305"; in a variable with commas between',
    "reconcile_statuses": "a list of statuses such as Completed or InProgress; in a variable with commas between",
    "job_prefix": "letters, digits, _ and -, such as load-",
    "source": "a name such as ServiceTitan",
    "strategy": "phased or immediate",
    "night": "a night's number: 0, 1, 2 ...",
    "adopt_existing": "true or false",
    "backend": "local or gcs",
    "backend_bucket": 'a bucket\'s name, or "" for none',
    "backend_prefix": "a folder in the bucket such as ingest-schedules",
    "invoker_service_account": 'a service account\'s email, or "" for none',
    "create_invoker": "true or false",
    "cloud_run_service": "a Cloud Run service's name",
    "notification_channels": (
        "a list of names such as projects/P/notificationChannels/123; in a variable with commas between"
    ),
    "freshness_service_account": 'a service account\'s email, or "" for none',
    "deployers": "a list of members such as group:data@example.com; in a variable with commas between",
    "operators": "a list of members such as group:data@example.com; in a variable with commas between",
    "github_repository": 'a repository such as owner/name, or "" for none',
    "github_repository_id": 'a number in quotes such as "123456789", or "" for none',
    "github_repository_owner_id": 'a number in quotes such as "123456789", or "" for none',
    "workload_identity_pool": "4 to 32 of a-z, 0-9 and -, not beginning with gcp-",
    "attempt_deadline_seconds": "15 to 1800",
    "retry_count": "0 to 5",
    "min_backoff_seconds": "5 to 3600",
    "max_backoff_seconds": "5 to 3600",
}

BAD: dict[str, list[Any]] = {
    "project": ["", "short", "1project", "Project-1", "project-", "kpi auto", "p" * 31, None, 7],
    "region": ["", "us", "us-central", "US-central1", "us-central1-a", "us-central١", 1],
    "base_url": [
        "",
        "http://x",
        "https://",
        "https://x/",
        "https://x?a=1",
        "https://x#a",
        "https://u@x",
        "https://x:٣",
        "https://x/é",
        "https://${x}",
        "https://x\n",
        None,
    ],
    "job_prefix": ["", "-x", "a b", "é-", "x" * 101, "a.b", None, 7],
    "source": ["", " x", "a\nb", "${x}", "<b>", "x" * 61, None, 7],
    "reference_path": ["", "/", "ingest/ref", "/ingest/", "/ingest/ref?x", "/ingest//ref", "/a b", "/é", []],
    "dataset": ["", "a-b", "a.b", "é", "d" * 1025, {}],
    "reference_dataset": ["", "a-b", "a.b", "é", "d" * 1025, None],
    "run_log": ["logs", "a.b.c", ".b", "a.", "a-b.c", "p:a.b", "é.b", None, 7],
    "reconcile_business_units": ["0", "Phoenix", [2305], ["-1"], "1" * 19, "٣", None, 7],
    "reconcile_statuses": ["In Progress", ["Done!"], "a'b", [None], None, 7],
    "strategy": ["", "Phased", "phased|immediate", "phase", None, 0],
    "night": ["", "-1", -1, "1.0", 1.0, "one", "٣", True, None, "1" * 10],
    "adopt_existing": ["", "True", "yes", "0", 0, 1, None, []],
    "backend": ["", "s3", "localgcs", None],
    "backend_bucket": ["ab", "Bucket", "-bucket", "bucket-", "gs://bucket", "b" * 223, None],
    "backend_prefix": ["", "/a", "a/", "a//b", "a b", None],
    "invoker_service_account": ["run", "@x", "a@", "a b@x", "a@b@c", "${x}@y", "a@X", None],
    "create_invoker": ["", "True", 1, None],
    "cloud_run_service": ["", "Service", "-a", "a-", "a" * 50, None],
    "notification_channels": ["123", ["projects/p/notificationChannels/x"], [None], None, 7, {"a": 1}],
    "freshness_service_account": ["run", "@x", "a b@x", None],
    "deployers": ["a@example.com", "allUsers", ["allAuthenticatedUsers"], ["user:${x}@y"], [1], None],
    "operators": ["a@example.com", ["domain:example.com"], None],
    "github_repository": ["owner", "owner/", "a/b/c", 'a/b"', None],
    "github_repository_id": [987654321, "R_1", "-1", "1" * 21, None],
    "github_repository_owner_id": [12345, "acme", '1" || true', None],
    "workload_identity_pool": ["", "git", "a" * 33, "gcp-github", "GitHub", "git_hub", None],
    "attempt_deadline_seconds": [14, 1801, "14", "1801", "3m", 60.0, True],
    "retry_count": [-1, 6, "6", "two", False],
    "min_backoff_seconds": [4, 3601, "4", None],
    "max_backoff_seconds": [4, 3601, "3601", None],
}


COMPANIONS: dict[str, Any] = {
    "backend_bucket": "a-bucket",
    "notification_channels": ("projects/p-1/notificationChannels/7",),
    "github_repository_id": "1",
    "github_repository_owner_id": "2",
}
"""Settings that others need beside them."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder whose cdktf.json has the design's settings, whatever the committed one has by now."""
    content = json.loads((ROOT / "cdktf.json").read_text())
    context = {key: value for key, value in content["context"].items() if key not in NAMES}
    (tmp_path / "cdktf.json").write_text(json.dumps(content | {"context": context | CONTEXT}))
    return tmp_path


def _set(root: Path, **values: Any) -> None:
    path = root / "cdktf.json"
    content = json.loads(path.read_text())
    content["context"] |= values
    path.write_text(json.dumps(content))


def _unset(root: Path, *keys: str) -> None:
    path = root / "cdktf.json"
    content = json.loads(path.read_text())
    content["context"] = {key: value for key, value in content["context"].items() if key not in keys}
    path.write_text(json.dumps(content))


def _errors(
    root: Path, environ: dict[str, str] | None = None, overrides: dict[str, tuple[str, str]] | None = None
) -> list[str]:
    with pytest.raises(ShapeError) as caught:
        load(root, environ or {}, overrides)
    assert str(caught.value) == "\n".join(caught.value.lines)
    return caught.value.lines


def test_the_committed_file_names_what_the_plan_names() -> None:
    committed = load(ROOT, {})
    for name in ("project", "region", "time_zone", "base_url", "dataset"):
        assert getattr(committed, name) == getattr(SETTINGS, name)


def test_the_file_gives_the_settings(root: Path) -> None:
    assert load(root, {}) == SETTINGS


def test_the_committed_night_is_one_of_the_committed_strategy() -> None:
    settings = load(ROOT, {})
    assert settings.night in settings.rollout.numbers
    assert settings.rollout.name == settings.strategy


@pytest.mark.parametrize("name", NAMES)
def test_each_setting_can_be_set_by_an_environment_variable(root: Path, name: str) -> None:
    text, value = OTHERS[name]
    _set(root, **COMPANIONS)
    found = asdict(load(root, {f"INGEST_{name.upper()}": text}))
    assert found == asdict(replace(SETTINGS, **COMPANIONS)) | {name: value}


@pytest.mark.parametrize("name", NAMES)
def test_each_setting_is_required(root: Path, name: str) -> None:
    _unset(root, name)
    (line,) = _errors(root)
    assert line == f"{name}: missing from the context of cdktf.json; add it, {ALLOWED[name]}"


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_setting_may_come_from_the_environment(root: Path, name: str) -> None:
    _set(root, **COMPANIONS)
    _unset(root, name)
    assert getattr(load(root, {f"INGEST_{name.upper()}": OTHERS[name][0]}), name) == OTHERS[name][1]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_bad_value_in_the_file_is_named_with_what_is_allowed(root: Path, name: str, value: Any) -> None:
    _set(root, **{name: value})
    (line,) = _errors(root)
    assert line == f"{name}: {value!r} (from cdktf.json context) is not allowed; allowed: {ALLOWED[name]}"


@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_in_the_environment_is_named_with_its_variable(root: Path, name: str) -> None:
    variable = f"INGEST_{name.upper()}"
    (line,) = _errors(root, {variable: "no such: value"})
    assert line == f"{name}: 'no such: value' (from {variable}) is not allowed; allowed: {ALLOWED[name]}"


def test_a_list_may_be_empty_in_the_file_and_in_the_environment(root: Path) -> None:
    _set(root, deployers=["group:a@example.com"])
    assert load(root, {}).deployers == ("group:a@example.com",)
    assert load(root, {"INGEST_DEPLOYERS": ""}).deployers == ()


def test_settings_come_back_from_their_variables(root: Path) -> None:
    settings = load(root, {f"INGEST_{name.upper()}": text for name, (text, _) in OTHERS.items()})
    assert load(root, as_environ(settings)) == settings


@pytest.mark.parametrize("given", [{}, {"github_repository_id": "1"}, {"github_repository_owner_id": "2"}])
def test_a_repository_needs_its_numbers(root: Path, given: dict[str, str]) -> None:
    _set(root, github_repository="acme/ingest", **given)
    missing = [key for key in ("github_repository_id", "github_repository_owner_id") if key not in given]

    assert _errors(root) == [
        f"{', '.join(missing)}: empty with a github_repository; set both to what "
        "`gh api repos/acme/ingest --jq '.id, .owner.id'` prints"
    ]


def test_an_invoker_adds_the_night_identity_to_each_strategy(root: Path) -> None:
    _set(root, invoker_service_account="run@p.iam.gserviceaccount.com", night=IDENTITY)
    assert load(root, {}).rollout.nights[-1].title == "identity"
    _set(root, strategy="immediate", night=3)
    assert load(root, {}).rollout.nights[-1].title == "identity"
    _set(root, invoker_service_account="")
    assert _errors(root) == [
        "night: 3 (from cdktf.json context) is not a night of strategy immediate; allowed: 0, 1, 2; "
        "the night identity needs invoker_service_account"
    ]


def test_the_night_identity_without_an_account_says_what_it_needs(root: Path) -> None:
    (line,) = _errors(root, {"INGEST_NIGHT": "4"})
    assert line.endswith("allowed: 0, 1, 2, 3; the night identity needs invoker_service_account")


def test_an_account_for_the_assertion_needs_somebody_to_tell(root: Path) -> None:
    _set(root, freshness_service_account="f@p.iam.gserviceaccount.com")
    assert _errors(root) == ["freshness_service_account: set without notification_channels, whom to tell; set them too"]


def test_nobody_can_be_created_without_a_name(root: Path) -> None:
    (line,) = _errors(root, {"INGEST_CREATE_INVOKER": "true"})
    assert line.startswith("create_invoker: true without an account; set invoker_service_account")


@pytest.mark.parametrize("email", ["run@other-project.iam.gserviceaccount.com", "x@kpi-auto-471020.iam.example"])
def test_only_an_account_of_the_project_can_be_created(root: Path, email: str) -> None:
    _set(root, create_invoker=True, invoker_service_account=email)
    assert _errors(root) == [
        f"invoker_service_account: {email!r} (from cdktf.json context) cannot be created; allowed with create_invoker: "
        "<6 to 30 of a-z, 0-9, ->@kpi-auto-471020.iam.gserviceaccount.com"
    ]
    _set(root, invoker_service_account="invoker@kpi-auto-471020.iam.gserviceaccount.com")
    assert load(root, {}).create_invoker


def test_a_bad_zone_is_named_with_the_nearest_ones(root: Path) -> None:
    (line,) = _errors(root, {"INGEST_TIME_ZONE": "America/Phenix"})
    assert line.startswith("time_zone (from INGEST_TIME_ZONE): 'America/Phenix' is not an IANA time zone")
    assert "America/Phoenix" in line


def test_a_zone_that_is_no_text_is_refused_like_any_bad_value(root: Path) -> None:
    _set(root, time_zone=7)
    assert _errors(root) == [
        "time_zone: 7 (from cdktf.json context) is not allowed; allowed: an IANA time zone such as America/Phoenix"
    ]


def test_an_empty_environment_variable_is_a_value_and_not_an_absence(root: Path) -> None:
    assert _errors(root, {"INGEST_NIGHT": ""})[0].startswith("night: '' (from INGEST_NIGHT) is not allowed")


def test_both_ends_of_a_range_are_allowed(root: Path) -> None:
    for name, low, high in [("attempt_deadline_seconds", 15, 1800), ("retry_count", 0, 5)]:
        for value in (low, high):
            _set(root, **{name: value})
            assert getattr(load(root, {}), name) == value
    _set(root, min_backoff_seconds=5, max_backoff_seconds=3600)
    assert load(root, {}).max_backoff_seconds == 3600
    _set(root, min_backoff_seconds=5, max_backoff_seconds=5)
    assert load(root, {}).max_backoff_seconds == 5
    _set(root, min_backoff_seconds=3600, max_backoff_seconds=3600)
    assert load(root, {}).min_backoff_seconds == 3600


def test_names_may_be_as_long_as_google_takes_them(root: Path) -> None:
    longest = {"project": "p" * 30, "dataset": "d" * 1024, "backend_bucket": "b" * 222}
    _set(root, **longest)
    found = asdict(load(root, {}))
    assert {name: found[name] for name in longest} == longest


def test_all_errors_are_told_together(root: Path) -> None:
    _set(root, region="nowhere", retry_count=9, nigt=1)
    _unset(root, "dataset")
    lines = _errors(root, {"INGEST_PROJECT": "X", "INGEST_NIGHT": "9"})
    assert [line.split(":")[0] for line in lines] == ["nigt", "project", "region", "dataset", "retry_count", "night"]


@pytest.mark.parametrize(("key", "meant"), [("nigt", "night"), ("timezone", "time_zone"), ("bas_url", "base_url")])
def test_a_misspelt_key_in_the_file_is_refused_with_the_one_that_was_meant(root: Path, key: str, meant: str) -> None:
    _set(root, **{key: "x"})
    assert _errors(root) == [f"{key}: not a setting (from cdktf.json context); did you mean {meant!r}?"]


def test_a_key_like_no_setting_is_refused_with_all_settings(root: Path) -> None:
    _set(root, xyzzy=1)
    assert _errors(root) == [f"xyzzy: not a setting (from cdktf.json context); known settings: {', '.join(NAMES)}"]


@pytest.mark.parametrize("key", ["excludeStackIdFromLogicalIds", "allowSepCharsInLogicalIds"])
def test_cdktfs_own_keys_are_left_alone(root: Path, key: str) -> None:
    _set(root, **{key: "true"})
    assert load(root, {}) == SETTINGS


@pytest.mark.parametrize(
    ("variable", "meant"),
    [("INGEST_NIGTH", "INGEST_NIGHT"), ("INGEST_night", "INGEST_NIGHT"), ("INGEST_TIMEZONE", "INGEST_TIME_ZONE")],
)
def test_a_misspelt_variable_is_refused_with_the_one_that_was_meant(root: Path, variable: str, meant: str) -> None:
    assert _errors(root, {variable: "1"}) == [
        f"{variable}: not a setting (from the environment); did you mean {meant}?"
    ]


@pytest.mark.parametrize("variable", ["INGEST_LOG_LEVEL", "INGEST_", "INGESTED_NIGHT", "NIGHT"])
def test_variables_of_other_programs_are_left_alone(root: Path, variable: str) -> None:
    assert load(root, {variable: "1"}) == SETTINGS


def test_options_win_over_the_environment_which_wins_over_the_file(root: Path) -> None:
    environ = {"INGEST_NIGHT": "1"}
    assert load(root, {}).night == 0
    assert load(root, environ).night == 1
    assert load(root, environ, {"night": ("--night", "2")}).night == 2


def test_a_good_value_that_wins_hides_a_bad_one(root: Path) -> None:
    _set(root, night=9)
    assert load(root, {"INGEST_NIGHT": "nine"}, {"night": ("--night", "3")}).night == 3


def test_a_bad_option_is_named_as_it_was_given(root: Path) -> None:
    (line,) = _errors(root, {"INGEST_NIGHT": "1"}, {"night": ("--night", "-1")})
    assert line == "night: '-1' (from --night) is not allowed; allowed: a night's number: 0, 1, 2 ..."


@pytest.mark.parametrize(
    ("strategy", "night", "line"),
    [
        ("immediate", "4", "night: 4 (from INGEST_NIGHT) is not a night of strategy immediate; allowed: 0, 1, 2"),
        ("phased", "5", "night: 5 (from INGEST_NIGHT) is not a night of strategy phased; allowed: 0, 1, 2, 3"),
    ],
)
def test_a_night_that_the_strategy_does_not_have_is_refused(root: Path, strategy: str, night: str, line: str) -> None:
    assert _errors(root, {"INGEST_STRATEGY": strategy, "INGEST_NIGHT": night}) == [line]


def test_state_in_a_bucket_needs_the_name_of_the_bucket(root: Path) -> None:
    assert _errors(root, {"INGEST_BACKEND": "gcs"}) == [
        "backend_bucket: '' (from cdktf.json context) is not allowed with backend gcs; allowed: a bucket's name"
    ]
    assert load(root, {"INGEST_BACKEND": "gcs", "INGEST_BACKEND_BUCKET": "a-bucket"}).backend == "gcs"


def test_the_shortest_backoff_may_equal_the_longest_but_not_exceed_it(root: Path) -> None:
    assert load(root, {"INGEST_MIN_BACKOFF_SECONDS": "600"}).min_backoff_seconds == 600
    assert _errors(root, {"INGEST_MIN_BACKOFF_SECONDS": "601"}) == [
        "min_backoff_seconds: 601 (from INGEST_MIN_BACKOFF_SECONDS) is over max_backoff_seconds, 600; allowed: 5 to 600"
    ]


def test_a_folder_without_the_file_is_named(tmp_path: Path) -> None:
    assert _errors(tmp_path) == [f"cdktf.json: cannot be read at {tmp_path / 'cdktf.json'} (No such file or directory)"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('{\n  "context": {\n    "night" 0\n  }\n}', "cdktf.json: line 3 is not JSON ("),
        ("", "cdktf.json: line 1 is not JSON ("),
        ('{"context": {"night": 0, "night": 1}}', "cdktf.json: 'night' is there more than once; correct it"),
        ('{"app": "a", "app": "b", "context": {}}', "cdktf.json: 'app' is there more than once; correct it"),
        ('{"context": [1]}', 'cdktf.json: "context" must be an object that maps settings to values'),
        ('{"context": null}', 'cdktf.json: "context" must be an object that maps settings to values'),
        ("[]", 'cdktf.json: "context" must be an object that maps settings to values'),
    ],
)
def test_a_file_that_cannot_be_understood_is_an_error_of_one_line(tmp_path: Path, content: str, line: str) -> None:
    (tmp_path / "cdktf.json").write_text(content)
    (found,) = _errors(tmp_path)
    assert found.startswith(line)


def test_a_file_that_is_not_utf_8_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "cdktf.json").write_bytes(b'{"context": "\xff"}')
    (found,) = _errors(tmp_path)
    assert found.startswith("cdktf.json: ")


def test_a_file_without_a_context_misses_every_setting(tmp_path: Path) -> None:
    (tmp_path / "cdktf.json").write_text("{}")
    assert read_context(tmp_path) == {}
    assert [line.split(":")[0] for line in _errors(tmp_path)] == list(NAMES)


@pytest.mark.parametrize("adopt_existing", [True, False])
@pytest.mark.parametrize(("strategy", "number"), [(s.name, n) for s in STRATEGIES.values() for n in s.numbers])
def test_the_world_is_that_of_the_settings_night_or_of_the_one_asked_for(
    strategy: str, number: int, adopt_existing: bool
) -> None:
    settings = night(number, strategy, adopt_existing=adopt_existing)
    expected = state_at(STRATEGIES[strategy], number, adopt_existing=adopt_existing, planned=settings.planned)

    assert settings.world() == expected
    assert night(2, strategy, adopt_existing=adopt_existing).world(number) == expected


def test_there_is_no_world_of_a_night_that_the_strategy_does_not_have() -> None:
    with pytest.raises(KeyError):
        SETTINGS.world(9)


@pytest.mark.parametrize("adopt_existing", [True, False])
def test_a_night_is_deployed_on_the_world_of_the_night_before(adopt_existing: bool) -> None:
    settings = night(3, adopt_existing=adopt_existing)

    assert settings.world_before() == settings.world(2)
    assert settings.world_before(1) == settings.world(0)
    assert settings.world_before(0) == settings.world_at_start() == before_rollout(adopt_existing=adopt_existing)


def test_the_night_of_the_identity_authenticates_and_comes_after_the_others() -> None:
    settings = WITH_INVOKER.nights()[-1]

    assert all(job.authenticated for job in settings.world().values())
    assert not any(job.authenticated for job in settings.world_before().values())


def test_the_nights_are_the_settings_once_for_each() -> None:
    assert night(1).nights() == [night(number) for number in range(4)]


def test_the_first_night_is_read_whatever_night_is_committed(tmp_path: Path) -> None:
    committed = json.loads((ROOT / "cdktf.json").read_text())
    committed["context"] |= {"strategy": "immediate", "night": 3}
    (tmp_path / "cdktf.json").write_text(json.dumps(committed))

    with pytest.raises(ShapeError):
        load(tmp_path, {})
    assert load_first_night(tmp_path, {"INGEST_NIGHT": "7"}).night == 0
    assert load_first_night(tmp_path, {}, {"strategy": ("--strategy", "phased")}).strategy == "phased"
