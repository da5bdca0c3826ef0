"""deploy.sh against a kubectl that only notes what it is told: the Secrets hold what the manifests read."""

import base64
import os
import pathlib
import subprocess
import tempfile
import unittest

import manifests
import yaml

# Real for what needs no cluster, a note for the rest. Of Secrets it knows those that $THERE names.
KUBECTL = """#!/bin/sh
case "$*" in
  "get crd "*) [ "$3" != "$ABSENT" ] ;;
  "kustomize "*) exec "$REAL" "$@" ;;
  *"get secret "*) for last; do :; done; case " $THERE " in *" $last "*) exit 0 ;; esac; exit 1 ;;
  *"--dry-run=client"*) exec "$REAL" "$@" ;;
  *"create secret "*) "$REAL" "$@" --dry-run=client --output yaml >> "$NOTES/secrets.yaml"; echo --- >> "$NOTES/secrets.yaml" ;;
  "apply --filename -") cat >> "$NOTES/secrets.yaml" ;;
  *) echo "$*" >> "$NOTES/calls" ;;
esac
"""


def deploy(*arguments, there="", absent=""):
    """The Secrets that were made, by name, with their keys; and what else was done. Run from the folder of the keys."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "kubectl").write_text(KUBECTL)
        (folder / "kubectl").chmod(0o755)
        (folder / "keys.json").write_text('{"version":1,"keys":["mine"]}')
        environment = {
            **os.environ,
            "PATH": f"{folder}:{os.environ['PATH']}",
            "REAL": manifests.KUBECTL,
            "NOTES": str(folder),
            "THERE": there,
            "ABSENT": absent,
        }
        arguments = [argument.replace("FOLDER", str(folder)) for argument in arguments]
        command = [manifests.K8S / "deploy.sh", *arguments]
        ran = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
        written = folder / "secrets.yaml"
        if ran.returncode:
            if written.exists() or (folder / "calls").exists():
                ran.stderr += "it did something before it failed"
            raise AssertionError(ran.stderr)
        documents = yaml.safe_load_all(written.read_text()) if written.exists() else []
        secrets = {d["metadata"]["name"]: d["data"] for d in documents if d}
        return secrets, (folder / "calls").read_text(), ran.stderr


def decoded(secret):
    return {key: base64.b64decode(value).decode() for key, value in secret.items()}


class Deploy(unittest.TestCase):
    def test_the_secrets_hold_what_the_manifests_read(self):
        secrets, calls, said = deploy("local")
        wanted = {("broker", key) for key in ("management", "username", "password", "default_user.conf", "host", "port")}
        for document in manifests.build(manifests.K8S / "overlays/local"):
            pod = document.get("spec", {}).get("template", {}).get("spec", {})
            for secret in (volume["secret"] for volume in pod.get("volumes", []) if "secret" in volume):
                wanted |= {(secret["secretName"], item["key"]) for item in secret.get("items", [{"key": "keys.json"}])}
        self.assertLessEqual(wanted, {(name, key) for name, data in secrets.items() for key in data})
        broker, results = decoded(secrets["broker"]), decoded(secrets["results"])
        self.assertEqual(len(broker["password"]), 48)
        self.assertIn(f":{broker['password']}@", broker["url"])
        self.assertIn(f"default_pass = {broker['password']}\n", broker["default_user.conf"])
        self.assertIn(f":{results['redis.conf'].split()[1]}@", results["url"])
        self.assertIn("no API keys", said)
        self.assertTrue(calls.strip().endswith("apply --kustomize overlays/local"), calls)

    def test_secrets_of_what_runs_outside_are_asked_for(self):
        with tempfile.TemporaryDirectory(dir=manifests.K8S / "overlays") as folder:
            (pathlib.Path(folder) / "kustomization.yaml").write_text(manifests.OUTSIDE)
            overlay = pathlib.Path(folder).name
            for there, missing in (("", "broker"), ("broker", "results"), ("results", "broker")):
                with self.assertRaisesRegex(AssertionError, f"make the Secret {missing} first") as raised:
                    deploy(overlay, there=there)
                self.assertNotIn("did something", str(raised.exception))
            secrets, calls, _ = deploy(overlay, there="broker results")
        self.assertEqual(set(secrets), {"api-keys"})
        self.assertIn(f"apply --kustomize overlays/{overlay}", calls)

    def test_what_is_there_stays_and_keys_are_replaced(self):
        secrets, _, said = deploy("cpu", "FOLDER/keys.json", there="broker results api-keys")
        self.assertEqual(set(secrets), {"api-keys"})
        self.assertIn("mine", decoded(secrets["api-keys"])["keys.json"])
        self.assertNotIn("no API keys", said)

    def test_keys_are_found_from_where_the_path_was_typed_and_missing_ones_change_nothing(self):
        secrets, _, _ = deploy("local", "keys.json")
        self.assertIn("mine", decoded(secrets["api-keys"])["keys.json"])
        with self.assertRaisesRegex(AssertionError, r"\Adeploy.sh: there is no file none.json\n\Z"):
            deploy("local", "none.json")

    def test_the_brokers_operator_is_needed_where_the_broker_is_in_the_cluster(self):
        operator = "rabbitmqclusters.rabbitmq.com"
        with self.assertRaisesRegex(AssertionError, rf"\Adeploy.sh: install the operator of {operator} first.*\n\Z"):
            deploy("local", absent=operator)
        with tempfile.TemporaryDirectory(dir=manifests.K8S / "overlays") as folder:
            folder = pathlib.Path(folder)
            (folder / "kustomization.yaml").write_text(manifests.OUTSIDE)
            _, calls, _ = deploy(folder.name, there="broker results", absent=operator)
            self.assertTrue(calls.strip().endswith(f"apply --kustomize overlays/{folder.name}"), calls)
            with self.assertRaisesRegex(AssertionError, "scaledobjects.keda.sh"):
                deploy(folder.name, there="broker results", absent="scaledobjects.keda.sh")


if __name__ == "__main__":
    unittest.main()
