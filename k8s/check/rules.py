"""What schemas do not ask: limits, probes, no root, no `latest`, no secrets, and numbers that fit one another."""

from __future__ import annotations

import re

SCALED = ("Deployment", "StatefulSet")


def problems(documents: list[dict]) -> list[str]:
    """What is wrong with an overlay, as sentences that name the object."""
    found = []
    for document in documents:
        name = f"{document['kind']}/{document['metadata']['name']}"
        found += [f"{name}: {problem}" for problem in _object(document, documents)]
    if not any(_denies_all(d) for d in documents):
        found.append("no NetworkPolicy denies what is not allowed")
    return found


def _object(document: dict, documents: list[dict]) -> list[str]:
    kind = document["kind"]
    found = []
    if kind == "Secret":
        found.append("secrets are made in the cluster and never in git")
    if kind == "Namespace":
        if document["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce") != "restricted":
            found.append("pods are not held to the restricted standard")
    elif "namespace" not in document["metadata"]:
        found.append("it names no namespace")
    if kind in SCALED:
        found += _workload(document, documents)
    if kind == "RabbitmqCluster":
        found += _image(document["spec"]["image"])
    if kind == "ScaledObject":
        found += _scaled_object(document, documents)
    if kind in ("HorizontalPodAutoscaler", "ScaledObject"):
        target = document["spec"]["scaleTargetRef"]["name"]
        if not _named(documents, "Deployment", target):
            found.append(f"there is no Deployment {target} to scale")
    return found


def _workload(document: dict, documents: list[dict]) -> list[str]:
    spec = document["spec"]
    template = spec["template"]
    pod = template["spec"]
    found = []
    labels = template["metadata"]["labels"]
    if not spec["selector"]["matchLabels"].items() <= labels.items():
        found.append("its selector does not select its pods")
    name = document["metadata"]["name"]
    scalers = [d for d in documents if d["kind"] in ("HorizontalPodAutoscaler", "ScaledObject")]
    if any(d["spec"]["scaleTargetRef"]["name"] == name for d in scalers) and "replicas" in spec:
        found.append("`replicas` would undo what its scaler decided")
    account = pod.get("serviceAccountName")
    if not account or not _named(documents, "ServiceAccount", account):
        found.append("it has no ServiceAccount of its own")
    if pod.get("automountServiceAccountToken") is not False:
        found.append("it gets a token for the API server")
    security = pod.get("securityContext", {})
    if not security.get("runAsNonRoot") or not security.get("runAsUser"):
        found.append("it may run as root")
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        found.append("it has no seccomp profile")
    if "terminationGracePeriodSeconds" not in pod:
        found.append("it does not say how long its end may take")
    for container in pod["containers"] + pod.get("initContainers", []):
        found += [f"container {container['name']}: {problem}" for problem in _container(container)]
        drain = _variable(container, "BYECAPTCHA_DRAIN")
        if drain and seconds(drain) + 5 > pod.get("terminationGracePeriodSeconds", 30):
            found.append("it is killed before it may have drained")
    return found


def _container(container: dict) -> list[str]:
    found = _image(container["image"])
    resources = container.get("resources", {})
    for side in ("requests", "limits"):
        missing = {"cpu", "memory"} - set(resources.get(side, {}))
        found += [f"no {side} of {name}" for name in sorted(missing)]
    found += [f"no {probe}" for probe in ("startupProbe", "readinessProbe", "livenessProbe") if probe not in container]
    if container.get("startupProbe", {}).get("httpGet", {}).get("path") == "/readyz":
        found.append("its start waits for broker and results, and it is killed where they are away")
    security = container.get("securityContext", {})
    if security.get("allowPrivilegeEscalation") is not False:
        found.append("it may gain privileges")
    if security.get("readOnlyRootFilesystem") is not True:
        found.append("its root file system can be written to")
    if security.get("capabilities", {}).get("drop") != ["ALL"] or security["capabilities"].get("add"):
        found.append("it has capabilities")
    for variable in container.get("env", []):
        if re.search("PASSWORD|SECRET|TOKEN|_URL$", variable["name"]) and "value" in variable:
            found.append(f"{variable['name']} is there for all to read")
    return found


def _image(image: str) -> list[str]:
    tag = re.search(r"[:@]([^/:@]+)$", image)
    if tag is None or tag[1] == "latest" or not re.search(r"\d+\.\d+", tag[1]) and "@" not in image:
        return [f"the image {image} names no version"]
    return []


def _scaled_object(document: dict, documents: list[dict]) -> list[str]:
    spec = document["spec"]
    found = []
    deployment = _named(documents, "Deployment", spec["scaleTargetRef"]["name"])
    for trigger in spec["triggers"]:
        metadata = trigger["metadata"]
        if metadata.get("protocol") != "http":
            found.append("over AMQP, jobs that workers hold are not counted, and busy workers are removed")
        if not _named(documents, "TriggerAuthentication", trigger.get("authenticationRef", {}).get("name")):
            found.append("it has no way to authenticate at the broker")
        if not deployment:
            continue
        worker = deployment["spec"]["template"]["spec"]["containers"][0]
        if metadata["queueName"].rpartition(".")[0] != (_variable(worker, "BYECAPTCHA_PREFIX") or "byecaptcha"):
            found.append("it watches a queue that its workers do not read: BYECAPTCHA_PREFIX names theirs")
        if metadata.get("mode") == "QueueLength":
            prefetch = _variable(worker, "BYECAPTCHA_PREFETCH")
            if prefetch is None or float(metadata["value"]) < float(prefetch):
                found.append("its value is below the worker's prefetch, so that a worker would call for another")
    if spec["minReplicaCount"] > spec["maxReplicaCount"]:
        found.append("its least is more than its most")
    return found


def _denies_all(document: dict) -> bool:
    spec = document.get("spec", {})
    return (
        document["kind"] == "NetworkPolicy"
        and spec["podSelector"] == {}
        and set(spec["policyTypes"]) == {"Ingress", "Egress"}
        and not spec.get("ingress")
        and not spec.get("egress")
    )


def _named(documents: list[dict], kind: str, name: str | None) -> dict | None:
    return next((d for d in documents if d["kind"] == kind and d["metadata"]["name"] == name), None)


def _variable(container: dict, name: str) -> str | None:
    return next((v.get("value") for v in container.get("env", []) if v["name"] == name), None)


def seconds(text: str) -> float:
    """`10s` or `2m`, as the programs read it."""
    number, unit = re.fullmatch(r"(\d+)(ms|s|m)", text).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60}[unit]
