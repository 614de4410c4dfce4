"""What the files of deploy/ say, without running them: addresses, settings, and which of them never ran here."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from tests import ROOT
from tracks_assets.settings import read_settings

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def read_yaml(path: Path) -> dict[str, Any]:
    """The contents of a YAML file."""
    contents: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return contents


def test_production_differs_from_one_machine_in_its_storage_only() -> None:
    production = read_yaml(DEPLOY / "dagster.production.yaml")
    assert set(production.pop("storage")) == {"postgres"}
    assert production == read_yaml(ROOT / "dagster.yaml")


def test_both_keep_ticks_for_a_bounded_time(tmp_path: Path) -> None:
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        retention = instance.get_settings("retention")
    for kind in ("schedule", "sensor"):
        days = retention[kind]["purge_after_days"]
        assert set(days) == {"skipped", "success", "failure", "started"}
        assert all(0 < each <= 90 for each in days.values())


def test_the_chart_has_the_same_settings() -> None:
    values, production = read_yaml(DEPLOY / "helm" / "values.yaml"), read_yaml(DEPLOY / "dagster.production.yaml")
    daemon = values["dagsterDaemon"]
    assert {_snake(name): value for name, value in daemon["runMonitoring"].items()} == production["run_monitoring"]
    assert values["additionalInstanceConfig"] == {name: production[name] for name in ("concurrency", "freshness")}
    assert values["telemetry"] == production["telemetry"]
    for kind, days in production["retention"].items():
        assert values["retention"][kind]["purgeAfterDays"] == days["purge_after_days"]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: f"_{found[1].lower()}", name)


def test_no_unit_and_no_make_target_serves_beyond_this_machine() -> None:
    commands = [line for path in UNITS for line in path.read_text().splitlines() if line.startswith("Exec")]
    commands += [line for line in (ROOT / "Makefile").read_text().splitlines() if "--port" in line]
    serving = [command for command in commands if "--port" in command]
    assert len(serving) == 4
    assert all("--host 127.0.0.1 " in command for command in serving)


def test_containers_offer_the_ui_to_this_machine_only() -> None:
    services = read_yaml(DEPLOY / "compose.yaml")["services"]
    offered = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert offered == {"webserver": ["127.0.0.1:3000:3000"]}
    assert "EXPOSE" not in (DEPLOY / "Dockerfile").read_text()


def test_the_chart_offers_the_ui_inside_the_cluster_only() -> None:
    values = read_yaml(DEPLOY / "helm" / "values.yaml")
    assert values["dagsterWebserver"]["service"]["type"] == "ClusterIP"
    assert values["ingress"] == {"enabled": False}


def test_the_alert_database_outlives_a_restart() -> None:
    """Where the home is lost with its pod, the alert database has to be elsewhere, and the file says so."""
    (deployment,) = read_yaml(DEPLOY / "helm" / "values.yaml")["dagster-user-deployments"]["deployments"]
    (home,) = [each["name"] for each in deployment["volumeMounts"] if each["mountPath"] == "/var/lib/tracks"]
    lost = [each["name"] for each in deployment["volumes"] if "emptyDir" in each]
    assert home not in lost or "also needs TRACKS_ALERT_DATABASE" in (DEPLOY / "helm" / "values.yaml").read_text()
    for name in ("code", "daemon"):
        assert "tracks:/var/lib/tracks" in read_yaml(DEPLOY / "compose.yaml")["services"][name]["volumes"]
    assert all("ReadWritePaths=/var/lib/tracks" in unit.read_text() for unit in UNITS if "code" in unit.name)


def test_every_container_has_bounded_logs() -> None:
    for name, service in read_yaml(DEPLOY / "compose.yaml")["services"].items():
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}, name


@pytest.mark.parametrize("path", [*UNITS, DEPLOY / "Dockerfile", DEPLOY / "compose.yaml", DEPLOY / "helm/values.yaml"])
def test_what_never_ran_here_says_so_first(path: Path) -> None:
    assert re.match(r"# (Not (run|built)|Never installed)", path.read_text()), path.name


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd-analyze")
def test_systemd_takes_the_unit(unit: Path, tmp_path: Path) -> None:
    """Its commands are looked for, so the unit is given those of this environment."""
    installed = str(Path(shutil.which("true") or "/bin/true"))
    text = re.sub(r"(?<==)/opt/tracks_assets/\.venv/bin/\S+", installed, unit.read_text())
    for other in UNITS:
        (tmp_path / other.name).write_text(text if other == unit else other.read_text())
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
        check=False,
    )
    reported = [line for line in (done.stdout + done.stderr).splitlines() if unit.name in line]
    assert done.returncode == 0, done.stderr
    assert reported == []


def test_the_example_of_the_environment_is_one_that_the_settings_take() -> None:
    lines = (DEPLOY / "systemd" / "tracks.env.example").read_text().splitlines()
    variables = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert read_settings(variables).home == Path("/var/lib/tracks")
    named = re.findall(r"env: (\w+)", (DEPLOY / "dagster.production.yaml").read_text())
    named += re.findall(r"env: (\w+)", (DEPLOY / "workspace.yaml").read_text())
    assert set(named) - {"TRACKS_LOG_BUCKET"} <= set(variables)


def test_production_is_locked_to_the_versions_that_are_tested() -> None:
    tested, production = _locked(ROOT / "requirements.lock"), _locked(DEPLOY / "requirements.lock")
    assert {"dagster-postgres", "dagster-k8s"} <= production.keys()
    assert {name: version for name, version in production.items() if tested.get(name, version) != version} == {}
    assert not re.search(r"://|--index-url|--find-links", (DEPLOY / "requirements.lock").read_text())


def _locked(path: Path) -> dict[str, str]:
    return dict(re.findall(r"(?m)^([\w.\[\]-]+)==(\S+)", path.read_text()))
