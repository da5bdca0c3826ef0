"""What Compose itself does not ask of docker-compose.yml, and what must be the same in several files."""

import pathlib
import re
import subprocess
import unittest

import yaml

ROOT = pathlib.Path(__file__).parent.parent
STACK = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
PUBLIC = yaml.safe_load((ROOT / "compose/public.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES = STACK["services"]
OURS = {"api", "worker", "worker-cuda"}


class Services(unittest.TestCase):
    def test_images_name_a_version(self):
        for name, service in SERVICES.items():
            self.assertRegex(service["image"], r":v?\d+\.\d+\.\d+(-\w+)?$", name)
        for base in re.findall(r"^ARG \w+_IMAGE=(.*)$", DOCKERFILE, re.MULTILINE):
            self.assertRegex(base, r":\d+\.\d+\.\d+-", base)
        self.assertEqual(set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)),
                         {"${RUST_IMAGE}", "${CUDA_IMAGE}", "source", "libtorch", "cuda", "scratch"})  # fmt: skip

    def test_all_are_limited_and_gain_no_rights(self):
        for name, service in SERVICES.items():
            self.assertIn("mem_limit", service, name)
            self.assertIn("no-new-privileges:true", service["security_opt"], name)
        for name in OURS:
            self.assertEqual((SERVICES[name]["read_only"], SERVICES[name]["cap_drop"]), (True, ["ALL"]), name)

    def test_programs_start_once_what_they_need_is_healthy(self):
        for name in OURS:
            needs = SERVICES[name]["depends_on"]
            self.assertEqual({need["condition"] for need in needs.values()}, {"service_healthy"}, name)
            for service in [name, *needs]:
                self.assertIn("healthcheck", SERVICES[service], service)

    def test_ports_are_this_machines_alone(self):
        ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
        self.assertGreater(len(ports), 3)
        for port in ports:
            self.assertTrue(port.startswith("127.0.0.1:"), port)

    def test_the_public_api_has_keys(self):
        environment = PUBLIC["services"]["api"]["environment"]
        self.assertEqual(environment["BYECAPTCHA_ALLOW_PUBLIC"], "false")
        self.assertIn("BYECAPTCHA_KEYS", environment)

    def test_the_images_run_as_nobody_in_particular(self):
        stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)
        for stage in stages:
            if stage.startswith(("scratch", "${CUDA_IMAGE}")):
                self.assertIn("USER 65532:65532", stage)


class Files(unittest.TestCase):
    def test_what_is_mounted_is_there(self):
        for name, service in SERVICES.items():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                if source.startswith("."):
                    self.assertTrue((ROOT / source).exists(), f"{name}: {source}")
                else:
                    self.assertIn(source, STACK["volumes"], name)

    def test_secrets_are_made_by_the_script_and_kept_from_git(self):
        script = (ROOT / "scripts/stack.sh").read_text()
        for name, secret in STACK["secrets"].items():
            self.assertIn(f'"$secrets/{pathlib.Path(secret["file"]).name}"', script, name)
            ignored = subprocess.run(["git", "check-ignore", "-q", secret["file"]], cwd=ROOT)
            self.assertEqual(ignored.returncode, 0, name)

    def test_versions_are_the_same_everywhere(self):
        manifests = "".join(path.read_text() for path in (ROOT / "k8s/components").rglob("*.yaml"))
        for name in ("rabbitmq", "redis"):
            self.assertIn(f"image: {SERVICES[name]['image']}\n", manifests)
        torch = re.search(r"TORCH_VERSION=(\S+)", DOCKERFILE)[1]
        self.assertIn(f"torch_version={torch}\n", (ROOT / "scripts/libtorch.sh").read_text())


if __name__ == "__main__":
    unittest.main()
