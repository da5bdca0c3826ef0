"""Every overlay passes the checks, and the checks notice what is broken on purpose."""

import copy
import pathlib
import tempfile
import unittest

import manifests

BUILT = {overlay: manifests.build(manifests.K8S / "overlays" / overlay) for overlay in manifests.OVERLAYS}


def broken(change, overlay="gpu"):
    """The problems of an overlay after `change`, which gets a function that finds an object by its kind and name."""
    documents = copy.deepcopy(BUILT[overlay])

    def named(kind, name):
        return next(d for d in documents if (d["kind"], d["metadata"]["name"]) == (kind, name))

    change(named, documents)
    return manifests.problems(documents)


def pod(named, name="worker"):
    return named("Deployment", name)["spec"]["template"]["spec"]


def container(named, name="worker"):
    return pod(named, name)["containers"][0]


def trigger(named, name="worker"):
    return named("ScaledObject", name)["spec"]["triggers"][0]["metadata"]


class Overlays(unittest.TestCase):
    def test_all_of_them_are_right(self):
        self.assertEqual(set(BUILT), {"local", "cpu", "gpu"})
        for overlay, documents in BUILT.items():
            self.assertEqual(manifests.problems(documents), [], overlay)

    def test_broker_and_results_may_be_outside(self):
        with tempfile.TemporaryDirectory(dir=manifests.K8S / "overlays") as folder:
            kustomization = pathlib.Path(folder) / "kustomization.yaml"
            kustomization.write_text(manifests.OUTSIDE)
            documents = manifests.build(pathlib.Path(folder))
        self.assertEqual(manifests.problems(documents), [])
        self.assertNotIn("RabbitmqCluster", [d["kind"] for d in documents])

    def test_bulk_starts_from_nothing_on_the_gpu_and_people_have_a_worker(self):
        named = {(d["kind"], d["metadata"]["name"]): d["spec"] for d in BUILT["gpu"] if "spec" in d}
        self.assertEqual(named["ScaledObject", "worker-bulk"]["minReplicaCount"], 0)
        self.assertEqual(named["ScaledObject", "worker"]["minReplicaCount"], 1)
        bulk = named["Deployment", "worker-bulk"]["template"]["spec"]
        self.assertEqual(bulk["containers"][0]["resources"]["limits"]["nvidia.com/gpu"], "1")
        self.assertEqual(bulk["tolerations"][0]["key"], "nvidia.com/gpu")


class Broken(unittest.TestCase):
    CHANGES = {
        "no version": lambda named, _: container(named).update(image="byecaptcha-worker:latest"),
        "no limits of memory": lambda named, _: container(named)["resources"]["limits"].pop("memory"),
        "no readinessProbe": lambda named, _: container(named).pop("readinessProbe"),
        "its start waits for broker and results": lambda named, _: container(named, "api")["startupProbe"]["httpGet"].update(
            path="/readyz"
        ),
        "as root": lambda named, _: pod(named)["securityContext"].pop("runAsNonRoot"),
        "seccomp": lambda named, _: pod(named)["securityContext"].pop("seccompProfile"),
        "written to": lambda named, _: container(named)["securityContext"].update(readOnlyRootFilesystem=False),
        "capabilities": lambda named, _: container(named)["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
        "ServiceAccount": lambda named, all: all.remove(named("ServiceAccount", "worker")),
        "token": lambda named, _: pod(named).update(automountServiceAccountToken=True),
        "all to read": lambda named, _: container(named)["env"].append({"name": "BROKER_URL", "value": "amqp://a:b@c"}),
        "git": lambda _, all: all.append(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "byecaptcha"}}
        ),
        "`replicas`": lambda named, _: named("Deployment", "worker")["spec"].update(replicas=1),
        "select": lambda named, _: named("Deployment", "api")["spec"]["selector"]["matchLabels"].update(a="b"),
        "drained": lambda named, _: pod(named).update(terminationGracePeriodSeconds=10),
        "over AMQP": lambda named, _: trigger(named).update(protocol="amqp"),
        "prefetch": lambda named, _: trigger(named).update(value="15"),
        "do not read": lambda named, _: container(named)["env"].append({"name": "BYECAPTCHA_PREFIX", "value": "shard1"}),
        "no Deployment": lambda named, _: named("ScaledObject", "worker")["spec"]["scaleTargetRef"].update(name="x"),
        "authenticate": lambda named, all: all.remove(named("TriggerAuthentication", "broker")),
        "denies": lambda named, all: all.remove(named("NetworkPolicy", "deny-all")),
        "restricted": lambda named, _: named("Namespace", "byecaptcha")["metadata"].pop("labels"),
        # Of the schemas.
        "'portt' was unexpected": lambda named, _: container(named)["ports"][0].update(portt=1),
        "knows no queueLength": lambda named, _: trigger(named).update(queueLength="5"),
        "a valid string": lambda named, _: trigger(named).update(value=1000),
        "coolDown": lambda named, _: named("ScaledObject", "worker")["spec"].update(coolDown=1),
        "pollingInterval": lambda named, _: named("ScaledObject", "worker")["spec"].update(pollingInterval="often"),
        "secretTargetRef": lambda named, _: named("TriggerAuthentication", "broker")["spec"]["secretTargetRef"][0].pop("key"),
        "replica": lambda named, _: named("RabbitmqCluster", "rabbitmq")["spec"].update(replicas=2),
        "'persistance' was unexpected": lambda named, _: named("RabbitmqCluster", "rabbitmq")["spec"].update(persistance={}),
        "'topologyKeys' was unexpected": lambda named, _: named("RabbitmqCluster", "rabbitmq")["spec"]["affinity"][
            "podAntiAffinity"
        ]["requiredDuringSchedulingIgnoredDuringExecution"][0].update(topologyKeys="a"),
        "is unknown": lambda named, _: named("Service", "api").update(apiVersion="v7"),
    }

    def test_each_is_noticed(self):
        for words, change in self.CHANGES.items():
            with self.subTest(words):
                found = broken(change)
                self.assertTrue(any(words in problem for problem in found), found)


if __name__ == "__main__":
    unittest.main()
