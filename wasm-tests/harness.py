"""A real Envoy with the built module and fake providers, for tests.

    def test_an_address_does_not_leave(gateway):
        tollgate = gateway(policy={"version": 1, "providers": {...}})
        tollgate.openai().chat.completions.create(model="gpt-5.4", messages=[...])
        assert "anna@example.org" not in tollgate.fake["openai"].requests()[0]["body"]
        (record,) = tollgate.records(1)

Gateways are kept for the session, one for each different set of arguments; the fakes and the records are reset whenever
a test asks for one. What lives in Envoy's memory (budgets, what rests) is not: use an own `team`, or `fresh=True`.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "envoy"))

from gateway import Config, Envoy, Failed, Fakes, find_envoy  # noqa: E402  (the demo and the tests start Envoy alike)

Policy = Union[Dict[str, Any], str, None]
PROVIDERS = ("openai", "azure_openai", "anthropic", "gemini", "deepseek", "qwen", "mistral", "openrouter",
             "openai_compatible")


def module() -> Path:
    """The module under test: $TOLLGATE_WASM, or what `make build` left."""
    path = Path(os.environ.get("TOLLGATE_WASM", ROOT / "build" / "tollgate.wasm"))
    if not path.exists():
        raise Failed("no module at %s; run `make build`" % path)
    return path


class Gateway:
    """An Envoy with Tollgate in front of the fakes."""

    def __init__(self, envoy: Envoy, fakes: Fakes):
        self.envoy, self.fake = envoy, fakes
        self._seen = self._unlogged = 0

    @property
    def url(self) -> str:
        return self.envoy.url

    @property
    def port(self) -> int:
        return self.envoy.port

    @property
    def log(self) -> str:
        """Envoy's log since it started."""
        return self.envoy.log()

    def openai(self, team: Optional[str] = None, asynchronous: bool = False, **options: Any) -> Any:
        """An OpenAI client that talks to the gateway, without retries of its own."""
        import openai
        client = openai.AsyncOpenAI if asynchronous else openai.OpenAI
        transport = openai.DefaultAsyncHttpxClient if asynchronous else openai.DefaultHttpxClient
        return client(base_url=self.url + "/v1", api_key=options.pop("api_key", "sk-test"),
                      **_client_options(team, transport, options))

    def anthropic(self, team: Optional[str] = None, asynchronous: bool = False, **options: Any) -> Any:
        """The same for Anthropic."""
        import anthropic
        client = anthropic.AsyncAnthropic if asynchronous else anthropic.Anthropic
        transport = anthropic.DefaultAsyncHttpxClient if asynchronous else anthropic.DefaultHttpxClient
        return client(base_url=self.url, api_key=options.pop("api_key", "sk-test"),
                      **_client_options(team, transport, options))

    def access_log(self, count: int = 0, seconds: float = 5.0) -> List[Dict[str, Any]]:
        """The access log's lines since the last reset, at least so many."""
        deadline = time.monotonic() + seconds
        while True:
            lines = self.envoy.access_log(self._seen)
            if len(lines) >= count:
                return lines
            if time.monotonic() > deadline:
                raise AssertionError("%d access log lines, expected %d\n%s" % (len(lines), count, self.log[-5000:]))
            time.sleep(0.02)

    def records(self, count: int = 0, seconds: float = 5.0) -> List[Dict[str, Any]]:
        """Tollgate's records since the last reset, at least so many (a request without a record is an error)."""
        lines = self.access_log(count, seconds)
        without = [line for line in lines if line["record"] is None]
        assert not without, "requests without a record: %s" % without
        return [line["record"] for line in lines]

    def metrics(self) -> "Metrics":
        return Metrics(self.envoy.admin("/stats/prometheus"))

    def reset(self) -> None:
        """Forgets requests, faults and records. Waits for lines of earlier requests, so that none turns up later."""
        self.fake.reset()
        deadline = time.monotonic() + 2.0
        while time.monotonic() < deadline:
            stats = self.envoy.admin("/stats?filter=http.tollgate.downstream_rq_total")
            begun = int(stats.partition("downstream_rq_total: ")[2] or 0)
            self._seen += len(self.envoy.access_log(self._seen))
            if self._seen + self._unlogged >= begun:
                return
            time.sleep(0.02)
        # What Envoy counted and never logged, such as a request that was no HTTP: not waited for again.
        self._unlogged = begun - self._seen

    def update(self, policy: Policy) -> None:
        """Gives a `dynamic` gateway another policy, as an operator would: through Envoy, under load."""
        _Dynamic.of(self.envoy).write(self.envoy.config.with_policy(policy))


def _client_options(team: Optional[str], transport: Any, options: Dict[str, Any]) -> Dict[str, Any]:
    headers = dict(options.pop("default_headers", {}))
    if team is not None:
        headers["x-team"] = team
    # Without `trust_env` a proxy of the machine's environment cannot get between the test and the gateway.
    return {"max_retries": 0, "timeout": 30, "default_headers": headers,
            "http_client": transport(trust_env=False), **options}


class Metrics:
    """Tollgate's metrics, parsed: `metrics.value("tollgate_requests_total", provider="openai")`."""

    LINE = re.compile(r"^(tollgate_\w+)(?:\{(.*)\})? ([0-9.eE+-]+|NaN|\+Inf)$")
    LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

    def __init__(self, text: str):
        self.text = text
        self.samples: List[Tuple[str, Dict[str, str], float]] = []
        for line in text.splitlines():
            found = self.LINE.match(line)
            if found:
                name, labels, value = found.groups()
                self.samples.append((name, dict(self.LABEL.findall(labels or "")), float(value)))

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples that have these labels (and maybe more)."""
        return sum(value for sample, has, value in self.samples
                   if sample == name and all(has.get(key) == wanted for key, wanted in labels.items()))

    def labels(self, name: str) -> List[Dict[str, str]]:
        return [has for sample, has, _ in self.samples if sample == name]


class Gateways:
    """Starts gateways, keeps them for the session, stops them at its end."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._kept: Dict[str, Gateway] = {}

    def __enter__(self) -> "Gateways":
        return self

    def __exit__(self, *_: Any) -> None:
        self._stack.close()

    def get(self, policy: Policy = None, config: str = "envoy.yaml", dead: Sequence[str] = (), fresh: bool = False,
            dynamic: bool = False, edit: Optional[Callable[[str], str]] = None, **options: Any) -> Gateway:
        """A gateway.

        policy   an object (delivered as a Struct), a text (as a string), or None: the configuration's own
        config   which file of envoy/
        dead     providers whose port nobody listens on
        fresh    not one that an earlier test has used
        dynamic  listeners and clusters come from watched files, so that `update` works
        edit     a change to the configuration's text, for what only one test needs
        options  for `gateway.Envoy`: concurrency, log_level, environment
        """
        key = json.dumps([policy, config, sorted(dead), dynamic, repr(edit), repr(sorted(options.items()))])
        gateway = None if fresh else self._kept.get(key)
        if gateway is None:
            gateway = self._start(self._config(policy, config, edit), dead, dynamic, options)
            if not fresh:
                self._kept[key] = gateway
        gateway.reset()
        return gateway

    def refusal(self, policy: Policy, config: str = "envoy.yaml") -> str:
        """Envoy's log when it is started with a policy that it must refuse."""
        ports = {name: 1 for name in PROVIDERS}
        text = self._config(policy, config, None).with_fakes(ports).with_ports(0, 0)
        log = Envoy(text, find_envoy(), concurrency=1).refuses()
        assert log is not None, "Envoy took the policy"
        return log

    def _config(self, policy: Policy, name: str, edit: Optional[Callable[[str], str]]) -> Config:
        config = Config.read(name).with_module(module())
        if isinstance(policy, dict):
            clusters = [str(entry.get("cluster", key)) for key, entry in policy.get("providers", {}).items()
                        if isinstance(entry, dict)]
            missing = [cluster for cluster in dict.fromkeys(clusters) if cluster in PROVIDERS]
            config = config.with_providers(missing) if name == "envoy.yaml" else config
        if policy is not None:
            config = config.with_policy(policy)
        return config.edit(edit) if edit else config

    def _start(self, config: Config, dead: Sequence[str], dynamic: bool, options: Dict[str, Any]) -> Gateway:
        fakes = self._stack.enter_context(Fakes(list(PROVIDERS)))
        ports = dict(fakes.ports, **{name: self._closed_port() for name in dead})
        config = config.with_fakes(ports).with_ports(0, 0)
        envoy = Envoy(config, find_envoy(), **options)
        if dynamic:
            _Dynamic.of(envoy).install()
        return Gateway(self._stack.enter_context(envoy), fakes)

    def _closed_port(self) -> int:
        """A port that is ours, so that nobody else takes it, and that refuses connections."""
        held = self._stack.enter_context(socket.socket())
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


class _Dynamic:
    """Turns a static configuration into one whose listeners and clusters Envoy reads from files that it watches."""

    LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
    CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"

    def __init__(self, envoy: Envoy, folder: Path):
        self.envoy, self.folder = envoy, folder

    @classmethod
    def of(cls, envoy: Envoy) -> "_Dynamic":
        return cls(envoy, Path(envoy.process.folder.name))

    def install(self) -> None:
        text = self.envoy.config.text
        head = text[:text.index("\nstatic_resources:\n")]
        watched = "{path_config_source: {path: %s, watched_directory: {path: %s}}, resource_api_version: V3}"
        sources = "\n".join("  %s_config: %s" % (kind, watched % (self.folder / (kind + ".yaml"), self.folder))
                            for kind in ("lds", "cds"))
        (self.folder / "envoy.yaml").write_text(
            head + "\nnode: {id: test, cluster: test}\ndynamic_resources:\n" + sources + "\n", "utf-8")
        self._place(self.envoy.config)

    def write(self, config: Config) -> None:
        before = self._updates()
        self._place(config)

        def taken() -> bool:
            now = self._updates()
            return now[0] > before[0] and now[1] > before[1]

        self.envoy.process.until(taken, "the update")

    def _place(self, config: Config) -> None:
        text = config.text
        shared = text[text.index("!ignore tollgate:\n"):text.index("\nadmin:\n")]
        listeners, clusters = text[text.index("\n  listeners:\n"):].split("\n  clusters:\n")
        self._put("cds.yaml", shared, clusters, self.CLUSTER)
        self._put("lds.yaml", shared, listeners.split("\n  listeners:\n")[1], self.LISTENER)

    def _put(self, name: str, shared: str, items: str, kind: str) -> None:
        typed = re.sub(r"^  - name: ", '  - "@type": %s\n    name: ' % kind, items, flags=re.MULTILINE)
        new = self.folder / (name + ".new")
        new.write_text(shared + "\nresources:\n" + typed, "utf-8")
        os.replace(new, self.folder / name)

    def _updates(self) -> List[int]:
        """How many updates Envoy took; a refused one is an error at once."""
        stats = dict(line.split(": ", 1) for line in self.envoy.admin("/stats?filter=update_").splitlines())
        for kind in ("listener_manager.lds", "cluster_manager.cds"):
            if int(stats.get(kind + ".update_rejected", "0")):
                raise Failed("Envoy refused the update:\n" + self.envoy.log()[-5000:])
        kinds = ("listener_manager.lds", "cluster_manager.cds")
        return [int(stats.get(kind + ".update_success", "0")) for kind in kinds]


def with_trailers(text: str) -> str:
    """An `edit`: HTTP/1 trailers pass, in both directions (HTTP/2's always do)."""
    text = text.replace("http_protocol_options: {}", "http_protocol_options: {enable_trailers: true}")
    codec = "codec_type: AUTO"
    return text.replace(codec, codec + "\n          http_protocol_options: {enable_trailers: true}")
