"""Is each document what the API server and the operators take: Kubernetes' strict schemas, KEDA's resources as Pydantic
models, and a schema of our own for the RabbitMQ operator's."""

from __future__ import annotations

import json
import pathlib

import jsonschema
import kubernetes_validate
import pydantic
from cloudcoil.models.keda import v1alpha1 as keda

KUBERNETES = "1.34"
RABBITMQ = json.loads((pathlib.Path(__file__).parent / "rabbitmqcluster.schema.json").read_text())

# What the KEDA scaler reads of its metadata, which to KEDA's own schema is any text: https://keda.sh/docs/scalers/rabbitmq-queue/
RABBITMQ_TRIGGER = {
    "host", "hostFromEnv", "protocol", "mode", "value", "activationValue", "queueName", "vhostName", "unsafeSsl",
    "excludeUnacknowledged", "useRegex", "pageSize", "operation", "timeout", "usernameFromEnv", "passwordFromEnv",
}  # fmt: skip


def problems(document: dict) -> list[str]:
    """What is wrong with it, as sentences; none where it is right."""
    version, kind = document.get("apiVersion", ""), document.get("kind", "")
    if version.startswith("keda.sh/"):
        return _keda(document, kind)
    if version.startswith("rabbitmq.com/"):
        return _rabbitmq(document)
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{'.'.join(map(str, error.path))}: {error.message}"]
    except kubernetes_validate.SchemaNotFoundError:
        return [f"{version} {kind} is unknown"]
    return []


def _keda(document: dict, kind: str) -> list[str]:
    model = {"ScaledObject": keda.ScaledObject, "TriggerAuthentication": keda.TriggerAuthentication}.get(kind)
    if model is None:
        return [f"there is no model for {kind}"]
    try:
        read = model.model_validate(document)
    except pydantic.ValidationError as error:
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    found = [f"{path} is unknown" for path in _unread(document, read.model_dump(by_alias=True, mode="json"))]
    for trigger in document["spec"].get("triggers", []):
        unknown = set(trigger.get("metadata", {})) - RABBITMQ_TRIGGER
        if trigger["type"] != "rabbitmq":
            found.append(f"triggers of the type {trigger['type']} are not checked")
        elif unknown:
            found.append(f"the rabbitmq trigger knows no {', '.join(sorted(unknown))}")
    return found


def _unread(document, read, path: str = "") -> list[str]:
    """Members of the document that the model did not take up: a model may pass over what it does not know."""
    if isinstance(document, dict):
        if not isinstance(read, dict):
            return [path]
        missing = []
        for name, value in document.items():
            place = f"{path}.{name}".lstrip(".")
            missing += [place] if name not in read else _unread(value, read[name], place)
        return missing
    if isinstance(document, list):
        pairs = zip(document, read) if isinstance(read, list) and len(read) == len(document) else [(document, None)]
        return [one for number, (a, b) in enumerate(pairs) for one in _unread(a, b, f"{path}[{number}]")]
    return []


def _rabbitmq(document: dict) -> list[str]:
    errors = jsonschema.Draft202012Validator(RABBITMQ).iter_errors(document)
    found = [f"{'.'.join(map(str, error.path))}: {error.message}" for error in errors]
    if found:
        return found
    # What is Kubernetes' in it: as the pod and the set that the operator will make of it.
    spec = document["spec"]
    template = spec.get("override", {}).get("statefulSet", {}).get("spec", {}).get("template", {"spec": {"containers": []}})
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "made-of-it"},
        "spec": {**template["spec"], "affinity": spec.get("affinity", {})},
    }
    return problems(pod)
