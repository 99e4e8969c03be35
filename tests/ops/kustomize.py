"""Builds an overlay of k8s/ as kustomize does, as far as ours use it; anything else in a kustomization is an error.

So the manifests are checked as they would be applied, on machines without kustomize. Where kubectl is there, a test
holds this against it.
"""

import copy
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]
KNOWN = {"apiVersion", "kind", "resources", "labels", "namespace", "images", "patches"}
CLUSTER_WIDE = {"Namespace"}
_MERGED_BY_NAME = {"containers", "initContainers", "volumes", "env"}


def documents(path: Path) -> list[Manifest]:
    """The documents of a YAML file; what an anchor names is a copy each time."""
    found = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    return [json.loads(json.dumps(document)) for document in found if document]


def identity(manifest: Manifest) -> tuple[str, str]:
    """Kind and name."""
    return manifest["kind"], manifest["metadata"]["name"]


def build(folder: Path) -> list[Manifest]:
    """Everything that `kubectl apply -k` would apply."""
    (kustomization,) = documents(folder / "kustomization.yaml")
    assert set(kustomization) <= KNOWN, f"{folder}: this test knows no {set(kustomization) - KNOWN}"
    found: list[Manifest] = []
    for name in kustomization["resources"]:
        path = folder / name
        found += build(path) if path.is_dir() else documents(path)
    assert len({identity(manifest) for manifest in found}) == len(found), f"{folder}: two of one name"
    for patch in kustomization.get("patches", ()):
        _apply(patch, folder, found)
    for labels in kustomization.get("labels", ()):
        assert set(labels) <= {"pairs", "includeTemplates"}
        for manifest in found:
            _label(manifest, labels["pairs"], templates=labels.get("includeTemplates", False))
    for manifest in found:
        if (namespace := kustomization.get("namespace")) is not None:
            if manifest["kind"] == "Namespace":
                assert manifest["metadata"]["name"] == namespace
            else:
                manifest["metadata"]["namespace"] = namespace
    for image in kustomization.get("images", ()):
        used = [container for manifest in found for container in containers(manifest)]
        ours = [container for container in used if container["image"].split(":")[0] == image["name"]]
        assert ours, f"{folder}: nothing uses the image {image['name']}"
        for container in ours:
            container["image"] = f"{image.get('newName', image['name'])}:{image['newTag']}"
    return found


def pod_template(manifest: Manifest) -> Manifest | None:
    """The pods that a workload makes."""
    template: Manifest | None = manifest.get("spec", {}).get("template")
    return template if manifest["kind"] in {"Deployment", "StatefulSet", "DaemonSet", "Job"} else None


def containers(manifest: Manifest) -> Iterator[Manifest]:
    """The containers of a workload, those that run first too."""
    if (template := pod_template(manifest)) is not None:
        yield from itertools.chain(template["spec"].get("initContainers", ()), template["spec"]["containers"])


def _label(manifest: Manifest, pairs: dict[str, str], *, templates: bool) -> None:
    manifest["metadata"].setdefault("labels", {}).update(pairs)
    if templates and (template := pod_template(manifest)) is not None:
        template["metadata"].setdefault("labels", {}).update(pairs)


def _apply(patch: Manifest, folder: Path, found: list[Manifest]) -> None:
    if "target" in patch:
        wanted = patch["target"]["kind"], patch["target"]["name"]
        (manifest,) = (manifest for manifest in found if identity(manifest) == wanted)
        for operation in yaml.safe_load(patch["patch"]):
            assert operation["op"] == "replace"
            *path, last = operation["path"].strip("/").split("/")
            place: Any = manifest
            for part in path:
                place = place[int(part)] if isinstance(place, list) else place[part]
            place[int(last) if isinstance(place, list) else last] = operation["value"]
        return
    for document in documents(folder / patch["path"]):
        matching = [manifest for manifest in found if identity(manifest) == identity(document)]
        assert len(matching) == 1, f"{folder / patch['path']}: there is no {identity(document)} to patch"
        _merge(matching[0], document)


def _merge(into: Manifest, patch: Manifest) -> None:
    for key, value in patch.items():
        if key in _MERGED_BY_NAME and key in into:
            for item in value:
                named = [known for known in into[key] if known["name"] == item["name"]]
                assert len(named) == 1, f"a patch names {item['name']}, which is not there"
                _merge(named[0], item)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)
