"""The files of `deploy/` agree with the code and with each other."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from connector.api.schemas import LONGEST_WAIT
from connector.cli.serve import gunicorn_options
from connector.crisp.client import Client
from connector.ledger.database import MOST_CONNECTIONS
from connector.settings import Settings
from connector.version import __version__
from tests.deploy import declared
from tests.deploy.declared import Declared
from tests.process.running import ROOT

VARIABLES = {each.metadata["variable"] for each in fields(Settings)}
SECRETS = {each.metadata["variable"] for each in fields(Settings) if each.metadata["secret"]}
FILES = [path for path in sorted(declared.DEPLOY.rglob("*")) if path.suffix != ".pyc" and path.is_file()]
PROCESSES: dict[str, Declared] = {
    "image": declared.image()[0],
    **{f"compose {name}": each for name, each in declared.composed().items()},
    **{f"systemd {name}": each for name, each in declared.started().items()},
    **{f"kubernetes {name}": each for name, each in declared.scheduled().items()},
}
LISTENING = {name: each for name, each in PROCESSES.items() if each.listens}
# Kept by PostgreSQL for its superuser, and for a few commands at the same time.
_SPARE = 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(declared.DEPLOY)))
def test_every_variable_is_a_setting(path: Path) -> None:
    assert set(re.findall(r"\b(?:CONNECTOR|CRISP)_[A-Z_]+\b", path.read_text())) <= VARIABLES


def test_the_example_has_every_setting_and_sets_none() -> None:
    lines = (declared.DEPLOY / "env.example").read_text().splitlines()
    offered = dict(line.removeprefix("# ").split("=", 1) for line in lines if re.match(r"# [A-Z_]+=", line))
    assert set(offered) == VARIABLES | {"POSTGRES_PASSWORD"}
    assert {offered[name] for name in (*SECRETS, "POSTGRES_PASSWORD")} == {""}
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_no_secret_has_a_value() -> None:
    """A password stands only in the example of an address, as the word PASSWORD."""
    secret = declared.object_of("Secret")["stringData"]
    given = {name: value for name, value in secret.items() if name in SECRETS and value}
    assert set(given) == {"CONNECTOR_DATABASE_URL", "CONNECTOR_QUEUE_URL"}
    assert ":PASSWORD@" in given["CONNECTOR_DATABASE_URL"]
    assert not set(declared.object_of("ConfigMap")["data"]) & SECRETS
    for name, service in declared.compose().items():
        for variable, value in service.get("environment", {}).items():
            if variable in SECRETS - {"CONNECTOR_DATABASE_URL", "CONNECTOR_QUEUE_URL"} or "PASSWORD" in variable:
                assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value), f"{name}: {variable}"


@pytest.mark.parametrize("name", LISTENING)
def test_whoever_listens_takes_port_8080(name: str) -> None:
    assert LISTENING[name].port == 8080


def test_ports_lead_to_who_listens() -> None:
    assert declared.instruction("EXPOSE") == "8080"
    assert re.findall(r":(\d+)/", declared.instruction("HEALTHCHECK")) == ["8080"]
    web = declared.compose()["web"]
    [published] = web["ports"]
    host, outside, inside = published.split(":")
    first, last = map(int, outside.split("-"))
    assert (host, inside) == ("127.0.0.1", "8080")
    assert last - first + 1 == web["deploy"]["replicas"], "one port for each"
    [service] = declared.object_of("Service")["spec"]["ports"]
    [container] = declared.pods()["crisp-connector-web"]["containers"]
    assert container["ports"] == [{"name": service["targetPort"], "containerPort": 8080}]
    probes = [container[name]["httpGet"]["port"] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert probes == ["http"] * 3
    policies = [each for each in declared.objects() if each["kind"] == "NetworkPolicy"]
    [ingress] = [rule for each in policies for rule in each["spec"].get("ingress", ())]
    assert ingress["ports"] == [{"port": 8080, "protocol": "TCP"}]


def test_the_database_and_the_queue_may_be_reached() -> None:
    secret, policy = (
        declared.object_of("Secret")["stringData"],
        (declared.KUBERNETES / "networkpolicy.yaml").read_text(),
    )
    for name in ("CONNECTOR_DATABASE_URL", "CONNECTOR_QUEUE_URL"):
        [port] = re.findall(r":(\d+)/", secret[name])
        assert f"port: {port}," in policy
    assert "port: 443," in policy


@pytest.mark.parametrize("name", [name for name, each in PROCESSES.items() if not each.ends and name != "image"])
def test_nobody_is_killed_who_may_still_finish(name: str) -> None:
    """A call to Crisp may take as long as a request: neither is cut off."""
    assert PROCESSES[name].grace > gunicorn_options()["graceful_timeout"] >= LONGEST_WAIT
    assert PROCESSES[name].grace > Client.read_timeout


def test_the_version_is_that_of_the_code() -> None:
    named = [service["image"] for service in declared.compose().values() if "crisp-connector" in service["image"]]
    assert set(named) == {f"crisp-connector:{__version__}"}
    [image] = declared.kustomization()["images"]
    assert image["newTag"] == __version__
    [labels] = declared.kustomization()["labels"]
    assert labels["pairs"]["app.kubernetes.io/version"] == __version__
    assert f'image.version="{__version__}"' in declared.instruction("LABEL")
    assert f"crisp-connector:{__version__} " in declared.DOCKERFILE.read_text()


def test_postgresql_of_compose_has_connections_for_every_process() -> None:
    processes = sum(each.replicas for each in declared.composed().values() if not each.ends)
    [allowed] = re.findall(r"max_connections=(\d+)", " ".join(declared.compose()["postgres"]["command"]))
    assert int(allowed) >= processes * MOST_CONNECTIONS + _SPARE


@pytest.mark.parametrize("name", declared.compose())
def test_containers_of_compose_are_closed(name: str) -> None:
    service = declared.compose()[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert "no-new-privileges:true" in service["security_opt"]
    assert service.get("user") or service["image"].startswith("crisp-connector:"), "our image has a user of its own"


def test_only_web_is_reached_from_outside() -> None:
    assert [name for name, service in declared.compose().items() if "ports" in service] == ["web"]
    [read] = declared.documents(declared.COMPOSE)
    for name in ("postgres", "redis"):
        assert all(read["networks"][each].get("internal") for each in read["services"][name]["networks"])


def test_the_image_is_not_root() -> None:
    user, group = declared.instruction("USER").split(":")
    assert user == group == "10001", "a number: Kubernetes cannot see of a name that it is not root's"
    made = " ".join(text for name, text in declared.instructions(-2) if name == "RUN")
    assert f"--uid {user} " in made
    assert f"--gid {group} " in made
    assert f"uid={user},gid={group}" in declared.COMPOSE.read_text()


@pytest.mark.parametrize("name", declared.pods())
def test_pods_are_closed(name: str) -> None:
    pod = declared.pods()[name]
    own, [container] = pod["securityContext"], pod["containers"]
    assert own["runAsNonRoot"] is True
    assert f"{own['runAsUser']}:{own['runAsGroup']}" == declared.instruction("USER")
    assert own["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container["resources"]) == {"requests", "limits"}
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/data", "/tmp"}
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


def test_what_selects_pods_finds_them() -> None:
    pods = [
        each["spec"]["template"]["metadata"]["labels"]
        for each in declared.objects()
        if "template" in each.get("spec", {})
    ]
    assert len(pods) == 3
    for each in declared.objects():
        spec = each.get("spec", {})
        selector = spec.get("podSelector", spec.get("selector"))
        if selector is not None:
            wanted = selector.get("matchLabels", selector)
            assert any(wanted.items() <= labels.items() for labels in pods), each["metadata"]["name"]
    hpa = declared.object_of("HorizontalPodAutoscaler")["spec"]
    names = {each["metadata"]["name"]: each for each in declared.objects() if each["kind"] == "Deployment"}
    assert "replicas" not in names[hpa["scaleTargetRef"]["name"]]["spec"], "else each apply undoes what it decided"


def test_the_image_is_made_of_what_docker_is_shown() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    shown = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert "*" in lines
    copied = [text.split()[:-1] for name, text in declared.instructions(0) if name == "COPY"]
    assert {name for names in copied for name in names} == shown
    assert all((ROOT / name).exists() for name in shown)
