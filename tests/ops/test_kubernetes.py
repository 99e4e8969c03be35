"""The manifests as they would be applied: valid, restricted, and each reference leads somewhere."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.ops.given_settings import AFTER_DRAIN_SECONDS, check_command, loaded
from tests.ops.kustomize import CLUSTER_WIDE, Manifest, build, containers, documents, identity, pod_template
from tests.ops.prometheus import ROOT

K8S = ROOT / "k8s"
KUBERNETES_VERSION = "1.33"  # whose schemas the manifests are held against
OVERLAYS = {name: build(K8S / "overlays" / name) for name in ("dev", "production")}
CUSTOM = {"ServiceMonitor", "PrometheusRule"}  # of the Prometheus Operator; their schemas are not Kubernetes' own
OBJECTS = [(name, manifest) for name, manifests in OVERLAYS.items() for manifest in manifests]
PODS = [(name, manifest) for name, manifest in OBJECTS if pod_template(manifest) is not None]
SECRET_KEYS = {"secret-key", "admin-password", "metrics-token", "database-password", "redis-url", "redis-conf"}
TLS_KEYS = {"ca.crt", "tls.crt", "tls.key"}


def named(value: Any) -> str:
    return value if isinstance(value, str) else "-".join(identity(value))


def labels_of(manifest: Manifest) -> dict[str, str]:
    template = pod_template(manifest)
    assert template is not None
    return dict(template["metadata"]["labels"])


def matches(selector: Manifest, labels: dict[str, str]) -> bool:
    for one in selector.get("matchExpressions", ()):
        assert one["operator"] == "In"
        if labels.get(one["key"]) not in one["values"]:
            return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def pods(overlay: str) -> list[Manifest]:
    return [manifest for name, manifest in PODS if name == overlay]


def of_kind(kind: str) -> list[tuple[str, Manifest]]:
    return [(name, manifest) for name, manifest in OBJECTS if manifest["kind"] == kind]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl to compare with")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kustomize_builds_the_same(overlay: str) -> None:
    command = ["kubectl", "kustomize", str(K8S / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    def in_order(manifests: list[Manifest]) -> list[Manifest]:
        return sorted(manifests, key=identity)

    assert in_order(list(yaml.safe_load_all(done.stdout))) == in_order(OVERLAYS[overlay])


def test_no_file_lies_there_unused() -> None:
    for path in K8S.rglob("*.yaml"):
        (kustomization,) = documents(path.parent / "kustomization.yaml")
        used = {"kustomization.yaml", *kustomization["resources"]}
        used |= {patch["path"] for patch in kustomization.get("patches", ()) if "path" in patch}
        assert path.name in used, path


@pytest.mark.parametrize(("overlay", "manifest"), OBJECTS, ids=named)
def test_it_is_valid_and_has_no_unknown_field(overlay: str, manifest: Manifest) -> None:
    if manifest["kind"] in CUSTOM:
        assert manifest["apiVersion"] == "monitoring.coreos.com/v1"
    else:
        kubernetes_validate.validate(manifest, KUBERNETES_VERSION, strict=True)
    assert ("namespace" in manifest["metadata"]) == (manifest["kind"] not in CLUSTER_WIDE)
    assert manifest["kind"] != "Secret", "secrets do not belong into a repository"


@pytest.mark.parametrize(("overlay", "manifest"), PODS, ids=named)
def test_its_pods_meet_the_restricted_standard(overlay: str, manifest: Manifest) -> None:
    template = pod_template(manifest)
    assert template is not None
    spec = template["spec"]
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    allowed = {"configMap", "emptyDir", "secret", "persistentVolumeClaim", "projected"}
    for volume in spec.get("volumes", ()):
        assert set(volume) - {"name"} <= allowed
    for container in containers(manifest):
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["readOnlyRootFilesystem"] is True
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert "privileged" not in security
        assert not any("hostPort" in port for port in container.get("ports", ()))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_namespace_demands_the_restricted_standard(overlay: str) -> None:
    (namespace,) = (manifest for manifest in OVERLAYS[overlay] if manifest["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(("overlay", "manifest"), PODS, ids=named)
def test_its_pods_are_asked_how_they_are_and_say_what_they_need(overlay: str, manifest: Manifest) -> None:
    template = pod_template(manifest)
    assert template is not None
    for container in template["spec"]["containers"]:
        if manifest["kind"] != "Job":
            assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
        ports = {port["name"] for port in container.get("ports", ())}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            check = container.get(probe, {})
            if port := check.get("httpGet", check.get("tcpSocket", {})).get("port"):
                assert port in ports
    for container in containers(manifest):
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]
        assert ":" in container["image"], "an image needs a tag"
    assert template["spec"].get("terminationGracePeriodSeconds", 30) >= 30


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_worker_has_time_to_drain(overlay: str) -> None:
    (worker,) = (pod for pod in pods(overlay) if pod["metadata"]["name"] == "worker")
    *_, container = containers(worker)
    (drain,) = (int(word.split("=")[1]) for word in container["args"] if word.startswith("--drain-seconds="))
    assert worker["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > drain + AFTER_DRAIN_SECONDS


@pytest.mark.parametrize(("overlay", "manifest"), PODS, ids=named)
def test_what_it_mounts_is_there(overlay: str, manifest: Manifest) -> None:
    template = pod_template(manifest)
    assert template is not None
    volumes = {volume["name"]: volume for volume in template["spec"].get("volumes", ())}
    claims = {claim["metadata"]["name"] for claim in manifest["spec"].get("volumeClaimTemplates", ())}
    mounted = {mount["name"] for container in containers(manifest) for mount in container.get("volumeMounts", ())}
    assert mounted == set(volumes) | claims
    for volume in volumes.values():
        if secret := volume.get("secret"):
            assert secret["defaultMode"] == 0o440
            assert {item["key"] for item in secret.get("items", ())} <= SECRET_KEYS
            assert secret["secretName"] in {"llm-test-bench", f"cluster-tls-{tls_role(manifest)}"}
    writable = {"/tmp", "/data"}
    for container in containers(manifest):
        if container["image"].split(":")[0].endswith("llm-test-bench") and manifest["kind"] != "Job":
            paths = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
            assert paths == writable


def tls_role(manifest: Manifest) -> str:
    name = str(manifest["metadata"]["name"])
    return {"api": "server"}.get(name, name)


def environment(overlay: str, container: Manifest) -> dict[str, str]:
    maps = {
        manifest["metadata"]["name"]: manifest["data"] for name, manifest in of_kind("ConfigMap") if name == overlay
    }
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        found |= maps[source["configMapRef"]["name"]]
    for variable in container.get("env", ()):
        if (reference := variable.get("valueFrom", {}).get("configMapKeyRef")) is not None:
            found[variable["name"]] = maps[reference["name"]][reference["key"]]
        else:
            found[variable["name"]] = variable["value"]
    return found


PARTS = [
    (overlay, manifest, container)
    for overlay, manifest in PODS
    for container in containers(manifest)
    if container["image"].split(":")[0].endswith("llm-test-bench")
]


def part_name(value: Any) -> str:
    return value if isinstance(value, str) else str(value.get("name", value.get("kind")))


@pytest.mark.parametrize(("overlay", "manifest", "container"), PARTS, ids=part_name)
def test_its_settings_are_settings_and_its_files_are_mounted(
    overlay: str, manifest: Manifest, container: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = environment(overlay, container)
    template = pod_template(manifest)
    assert template is not None
    volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
    files = set()
    for mount in container["volumeMounts"]:
        if secret := volumes[mount["name"]].get("secret"):
            paths = {item["path"] for item in secret["items"]} if "items" in secret else TLS_KEYS
            files |= {f"{mount['mountPath']}/{path}" for path in paths}
    for name, value in variables.items():
        if value.startswith("/run/secrets/"):
            assert value in files, name
    settings = loaded(variables, tmp_path, monkeypatch)
    if manifest["metadata"]["name"] in {"api", "worker"}:
        assert settings.security.production
        assert "d" * 48 in settings.storage.url
        assert settings.distributed.redis_url == "redis://:password@redis:6379/0"


@pytest.mark.parametrize(("overlay", "manifest", "container"), PARTS, ids=part_name)
def test_its_commands_are_commands(overlay: str, manifest: Manifest, container: Manifest) -> None:
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        if command := container.get(probe, {}).get("exec", {}).get("command"):
            assert command[0] == "llm-test-bench"
            check_command(command[1:])
    check_command(container["args"])


@pytest.mark.parametrize(("overlay", "manifest"), PODS, ids=named)
def test_a_selector_matches_its_own_pods_and_no_others(overlay: str, manifest: Manifest) -> None:
    if manifest["kind"] == "Job":
        return
    chosen = [other for other in pods(overlay) if matches(manifest["spec"]["selector"], labels_of(other))]
    assert chosen == [manifest]


@pytest.mark.parametrize(("overlay", "manifest"), of_kind("Service"), ids=named)
def test_a_service_leads_to_a_port(overlay: str, manifest: Manifest) -> None:
    selector = {"matchLabels": manifest["spec"]["selector"]}
    (workload,) = (other for other in pods(overlay) if matches(selector, labels_of(other)))
    ports = {port["name"] for container in containers(workload) for port in container.get("ports", ())}
    assert {port["targetPort"] for port in manifest["spec"]["ports"]} <= ports
    assert all(port["name"] == port["targetPort"] for port in manifest["spec"]["ports"])


@pytest.mark.parametrize(("overlay", "manifest"), of_kind("Ingress"), ids=named)
def test_the_ingress_leads_to_the_api_over_tls_and_keeps_websockets(overlay: str, manifest: Manifest) -> None:
    services = {service["metadata"]["name"]: service for name, service in of_kind("Service") if name == overlay}
    hosts = {host for tls in manifest["spec"]["tls"] for host in tls["hosts"]}
    (settings,) = (one for name, one in of_kind("ConfigMap") if name == overlay)
    for rule in manifest["spec"]["rules"]:
        assert rule["host"] in hosts
        assert rule["host"] in json.loads(settings["data"]["LTB_SERVER__ALLOWED_HOSTS"])
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            ports = services[backend["name"]]["spec"]["ports"]
            assert backend["port"]["name"] in {port["name"] for port in ports}
    annotations = manifest["metadata"]["annotations"]
    for side in ("read", "send"):
        assert int(annotations[f"nginx.ingress.kubernetes.io/proxy-{side}-timeout"]) >= 3600


@pytest.mark.parametrize(
    ("overlay", "manifest"), of_kind("HorizontalPodAutoscaler") + of_kind("PodDisruptionBudget"), ids=named
)
def test_who_scales_or_guards_something_names_it(overlay: str, manifest: Manifest) -> None:
    if manifest["kind"] == "PodDisruptionBudget":
        chosen = [other for other in pods(overlay) if matches(manifest["spec"]["selector"], labels_of(other))]
        assert [other["metadata"]["name"] for other in chosen] == [manifest["metadata"]["name"]]
        assert manifest["spec"]["maxUnavailable"] == 1, "a node that cannot be drained helps nobody"
        return
    target = manifest["spec"]["scaleTargetRef"]
    (workload,) = (other for other in pods(overlay) if identity(other) == (target["kind"], target["name"]))
    assert "replicas" not in workload["spec"], "both would decide"
    assert manifest["spec"]["minReplicas"] <= manifest["spec"]["maxReplicas"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_is_denied_by_default_and_allowed_what_it_needs(overlay: str) -> None:
    policies = [manifest["spec"] for name, manifest in of_kind("NetworkPolicy") if name == overlay]
    (deny,) = (policy for policy in policies if policy["podSelector"] == {})
    assert sorted(deny["policyTypes"]) == ["Egress", "Ingress"]
    assert not {"ingress", "egress"} & set(deny)

    def allowed(component: str, direction: str) -> list[Manifest]:
        (labels,) = (
            labels_of(pod) for pod in pods(overlay) if labels_of(pod)["app.kubernetes.io/component"] == component
        )
        mine = [policy for policy in policies if policy is not deny and matches(policy["podSelector"], labels)]
        return [rule for policy in mine for rule in policy.get(direction, ())]

    def ports(component: str, direction: str) -> set[Any]:
        return {port["port"] for rule in allowed(component, direction) for port in rule["ports"]}

    assert {53, 5432, 6379, 443, 4318} <= ports("api", "egress")
    assert {53, 5432, 6379, 443, 4318} <= ports("worker", "egress")
    assert ports("migrate", "egress") == {53, 5432}
    assert ports("scheduler", "egress") == {53, 1024}
    assert ports("api", "ingress") == {"http"}
    assert ports("scheduler", "ingress") == {"dask", "metrics"}
    assert "metrics" in ports("worker", "ingress")
    for policy in policies:  # a policy for nobody is a mistake
        assert any(matches(policy["podSelector"], labels_of(pod)) for pod in pods(overlay))
    for component in ("api", "worker"):
        for rule in allowed(component, "egress"):
            for peer in rule.get("to", ()):
                if peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0":
                    assert "169.254.0.0/16" in peer["ipBlock"]["except"], "where clouds hand out credentials"


@pytest.mark.parametrize(("overlay", "manifest"), of_kind("ServiceMonitor"), ids=named)
def test_prometheus_finds_every_part(overlay: str, manifest: Manifest) -> None:
    services = [service for name, service in of_kind("Service") if name == overlay]
    (service,) = (one for one in services if matches(manifest["spec"]["selector"], one["metadata"]["labels"]))
    name, (endpoint,) = service["metadata"]["name"], manifest["spec"]["endpoints"]
    if name == "api":  # `job`, as the rules have it
        assert service["metadata"]["labels"][manifest["spec"]["jobLabel"]] == "llm-test-bench"
    else:
        assert endpoint["relabelings"] == [{"targetLabel": "job", "replacement": f"llm-test-bench-{name}"}]
        (workload,) = (pod for pod in pods(overlay) if pod["metadata"]["name"] == name)
        *_, container = containers(workload)
        (port,) = (one for one in container["ports"] if one["name"] == endpoint["port"])
        assert f"--metrics-port={port['containerPort']}" in container["args"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert endpoint["authorization"]["credentials"]["key"] in SECRET_KEYS


def test_a_cluster_of_ones_own_needs_no_operator() -> None:
    assert not CUSTOM & {manifest["kind"] for manifest in OVERLAYS["dev"]}


def test_every_part_is_scraped() -> None:
    found = [manifest for name, manifest in of_kind("ServiceMonitor") if name == "production"]
    parts = {manifest["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"] for manifest in found}
    assert parts == {"api", "worker", "scheduler"}


def test_its_rules_are_those_of_ops() -> None:
    (rule,) = (
        manifest
        for manifest in documents(K8S / "monitoring" / "monitoring.yaml")
        if manifest["kind"] == "PrometheusRule"
    )
    assert rule["spec"] == yaml.safe_load((ROOT / "ops" / "prometheus" / "rules.yml").read_text())
