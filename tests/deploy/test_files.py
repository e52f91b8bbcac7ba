"""Every file of `deploy/` is what the tool that reads it expects."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy import declared
from tests.process.running import ROOT

# The oldest and a newer Kubernetes of those that are looked after.
VERSIONS = ("1.32", "1.36")


def own(name: str) -> Path:
    """A program that is installed with the tests."""
    return Path(sys.executable).with_name(name)


def tool(name: str) -> str:
    """A program that not every machine has; what needs it is left out loudly where it is not there."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"LEFT OUT: {name} is not installed here")
    return found


def said(*command: str | Path) -> "subprocess.CompletedProcess[str]":
    """What a tool says."""
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, cwd=ROOT)


def validated(version: str, *paths: Path) -> "subprocess.CompletedProcess[str]":
    """What Kubernetes' own schema says of the objects of these files."""
    return said(own("kubernetes-validate"), "--strict", "--kubernetes-version", version, *paths)


def test_the_dockerfile_has_no_finding() -> None:
    checked = said(tool("hadolint"), "--no-color", declared.DOCKERFILE)
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stdout + checked.stderr


def test_compose_keeps_to_the_specification() -> None:
    checked = said(own("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", declared.COMPOSE)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_compose_names_only_what_it_declares() -> None:
    [read] = declared.documents(declared.COMPOSE)
    for name, service in read["services"].items():
        assert set(service["networks"]) <= set(read["networks"]), name
        assert set(service.get("depends_on", {})) <= set(read["services"]), name
        for needed, condition in service.get("depends_on", {}).items():
            healthy = condition["condition"] == "service_healthy"
            assert not healthy or "test" in read["services"][needed]["healthcheck"], f"{name} waits for {needed}"
        for volume in service.get("volumes", ()):
            assert volume.partition(":")[0] in read["volumes"], name


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_keeps_to_the_schema(version: str) -> None:
    checked = validated(version, *(declared.KUBERNETES / name for name in declared.object_files()))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_schema_would_find_a_mistake(tmp_path: Path) -> None:
    text = (declared.KUBERNETES / "web-deployment.yaml").read_text()
    broken = tmp_path / "broken.yaml"
    broken.write_text(text.replace("readOnlyRootFilesystem", "readOnlyRootFileSystem"))
    assert validated(VERSIONS[0], broken).returncode != 0


def test_kustomize_builds_every_object(tmp_path: Path) -> None:
    built = said(tool("kubectl"), "kustomize", declared.KUBERNETES)
    assert built.returncode == 0, built.stderr
    whole = tmp_path / "whole.yaml"
    whole.write_text(built.stdout)
    assert validated(VERSIONS[-1], whole).returncode == 0
    found = declared.documents(whole)
    wanted = [each for each in declared.objects() if each["kind"] != "Secret"]
    assert sorted((each["kind"], each["metadata"]["name"]) for each in found) == sorted(
        (each["kind"], each["metadata"]["name"]) for each in wanted
    )
    assert {each["metadata"].get("namespace") for each in found if each["kind"] != "Namespace"} == {"crisp-connector"}


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A root with the units and a program, as an installation has them."""
    units = tmp_path / "etc" / "systemd" / "system"
    shutil.copytree(declared.UNITS, units)
    program = tmp_path / declared.PROGRAM.removeprefix("/")
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return tmp_path


def _instance(name: str) -> str:
    """A unit's name; of a template that of its first instance."""
    return f"{name}1.service" if name.endswith("@") else f"{name}.service"


@pytest.mark.parametrize("name", declared.units())
def test_systemd_has_nothing_to_say(name: str, installed: Path) -> None:
    """The units stand in a directory of their own, and the program where one can be executed."""
    folder = installed / "etc" / "systemd" / "system"
    for path in folder.glob("*.service"):
        path.write_text(path.read_text().replace(declared.PROGRAM, f"{installed}{declared.PROGRAM}"))
        if path.stem.endswith("@"):
            path.rename(folder / _instance(path.stem))
    checked = said(tool("systemd-analyze"), "verify", folder / declared.TARGET.name, folder / _instance(name))
    told = [line for line in checked.stderr.splitlines() if str(folder) in line or "crisp-connector" in line]
    assert told == []


def test_a_migration_stops_whatever_runs_and_waits_for_its_end() -> None:
    """Instances have no name that another unit could give: they belong to a target, which has one."""
    target = declared.TARGET.name
    assert declared.unit(declared.TARGET).sections() == ["Unit"], "it is started by those that belong to it"
    for name, declares in declared.started().items():
        about = declared.unit(declared.UNITS / f"{name}.service")["Unit"]
        assert (about.get("Conflicts" if declares.ends else "Requires"), about.get("After")) == (target, target), name


@pytest.mark.parametrize("name", declared.units())
def test_a_unit_is_closed(name: str, installed: Path) -> None:
    """By systemd's own measure, 0 (closed) to 10 (open)."""
    command = (tool("systemd-analyze"), f"--root={installed}", "security", "--offline=true", "--no-pager")
    checked = said(*command, _instance(name))
    level = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", checked.stdout)
    assert level is not None, checked.stdout + checked.stderr
    assert float(level[1]) < 2, checked.stdout
