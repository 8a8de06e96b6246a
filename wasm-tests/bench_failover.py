"""What a fail-over costs: from the last byte of the provider that failed to the request's arrival at the next one.

    .venv/bin/python wasm-tests/bench.py failover

One request at a time. Both providers are one process, so that one clock sees both ends: it notes when the failing
answer has been written, and when the head of the next request has been read. In between lie the kernel twice, Envoy's
retry, and Tollgate: judging the failure, and encoding the request for the next target.

Envoy's back-off is not in it. The first retry waits for a random time below `base_interval`, in whole milliseconds;
with 1 ms, the smallest that Envoy takes, that is always 0. The `plain` rows are the same Envoy without Tollgate.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import time
from typing import Any, Dict, List, Tuple

from harness import Config, Envoy, Failed, find_envoy, module

REQUESTS = 400
WARM_UP = 60
AIM_MS = 2.0
MOST_SECONDS = 60.0

FILTERED = {"error": {"message": "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
                      "type": "invalid_request_error", "param": None, "code": "invalid_prompt"}}
PROVIDERS: Dict[str, Any] = {
    "openai": {"dialect": "openai", "cluster": "openai", "credential": "passthrough"},
    "deepseek": {"dialect": "deepseek", "cluster": "deepseek", "credential": {"env": "DEEPSEEK_API_KEY"}},
    "anthropic": {"dialect": "anthropic", "cluster": "anthropic", "credential": {"env": "ANTHROPIC_API_KEY"}}}
CHAINS = {"same": {"targets": ["openai/gpt-5.4", "deepseek/deepseek-v4-pro"]},
          "other": {"targets": ["openai/gpt-5.4", "anthropic/claude-sonnet-5"]}}
POLICY = {"version": 1, "providers": PROVIDERS, "chains": CHAINS,
          "routes": [{"name": name, "when": {"model": name}, "use": name} for name in CHAINS]}

# What is measured: the listener, the chain, whether it streams, and how it reads.
CASES: List[Tuple[str, str, bool, str]] = [
    ("plain", "same", False, "plain Envoy, a 503"),
    ("applications", "same", False, "an error status, the same dialect"),
    ("applications", "other", False, "an error status, another dialect"),
    ("applications", "same", True, "the first event of a 200, the same dialect"),
    ("applications", "other", True, "the first event of a 200, another dialect"),
]


# ── The providers ───────────────────────────────────────────────────────────────────────────────────────────────────

def response(status: str, body: Any) -> bytes:
    data = json.dumps(body).encode()
    head = "HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(data))
    return head.encode() + data


def events(*data: str) -> bytes:
    body = "".join("event: %s\ndata: %s\n\n" % (json.loads(each)["type"], each) if '"type": "m' in each
                   else "data: %s\n\n" % each for each in data).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def answers() -> Dict[Tuple[str, bool], bytes]:
    """By role and whether it streams. Nobody looks at the good ones closely; they have to be valid."""
    choice = {"index": 0, "logprobs": None, "finish_reason": "stop"}
    common = {"id": "c", "created": 1763970000, "model": "deepseek-v4-pro"}
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    chat = dict(common, object="chat.completion", usage=usage,
                choices=[dict(choice, message={"role": "assistant", "content": "Fine."})])
    chunk = dict(common, object="chat.completion.chunk", usage=usage,
                 choices=[dict(choice, delta={"role": "assistant", "content": "Fine."})])
    message: Dict[str, Any] = {
        "id": "m", "type": "message", "role": "assistant", "model": "claude-sonnet-5", "stop_reason": "end_turn",
        "stop_sequence": None, "content": [{"type": "text", "text": "Fine."}],
        "usage": {"input_tokens": 9, "output_tokens": 2}}
    started = {"type": "message_start", "message": dict(message, content=[], stop_reason=None)}
    streamed = [started, {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Fine."}},
                {"type": "content_block_stop", "index": 0},
                {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                 "usage": {"output_tokens": 2}}, {"type": "message_stop"}]
    return {
        ("fails", False): response("400 Bad Request", FILTERED), ("fails", True): events(json.dumps(FILTERED)),
        ("unavailable", False): response("503 Service Unavailable", FILTERED),
        ("chat", False): response("200 OK", chat), ("chat", True): events(json.dumps(chunk), "[DONE]"),
        ("messages", False): response("200 OK", message), ("messages", True): events(*map(json.dumps, streamed)),
    }


def providers(pipe: Any) -> None:
    """Serves on a port for each role. Sends the ports, then the nanoseconds of each fail-over when it is asked."""
    ready = answers()
    ended, gaps = [0], []

    def serve(role: str) -> Any:
        async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while True:
                    head = (await reader.readuntil(b"\r\n\r\n")).lower()
                    if role not in ("fails", "unavailable"):
                        gaps.append(time.monotonic_ns() - ended[0])
                    body = await body_of(reader, head)
                    writer.write(ready[role, b'"stream": true' in body or b'"stream":true' in body])
                    ended[0] = time.monotonic_ns()
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
        return connection

    async def run() -> None:
        ports = {}
        for role in ("fails", "unavailable", "chat", "messages"):
            server = await asyncio.start_server(serve(role), "127.0.0.1", 0)
            ports[role] = server.sockets[0].getsockname()[1]
        pipe.send(ports)

        def asked() -> None:
            pipe.recv()
            pipe.send(list(gaps))
            gaps.clear()
        asyncio.get_running_loop().add_reader(pipe.fileno(), asked)
        await asyncio.Event().wait()

    try:
        asyncio.run(run())
    except (KeyboardInterrupt, EOFError):
        pass


async def body_of(reader: asyncio.StreamReader, head: bytes) -> bytes:
    if b"transfer-encoding: chunked" not in head:
        return await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
    body = b""
    while True:
        size = int(await reader.readuntil(b"\r\n"), 16)
        body += (await reader.readexactly(size + 2))[:-2]
        if not size:
            return body


# ── Envoy ───────────────────────────────────────────────────────────────────────────────────────────────────────────

PLAIN = """
  - name: plain
    address:
      socket_address: {address: 127.0.0.1, port_value: 0}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: plain
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          route_config:
            virtual_hosts:
            - name: plain
              domains: ["*"]
              routes:
              - match: {prefix: /}
                route:
                  inline_cluster_specifier_plugin:
                    extension:
                      name: envoy.router.cluster_specifier_plugin.priority_group
                      typed_config:
                        "@type": type.googleapis.com/envoy.extensions.router.cluster_specifiers.priority_group.v3.PriorityGroupClusterSpecifier
                        priority_groups:
                        - {name: first, clusters: [{cluster_name: plain_first, weight: 1}]}
                        - {name: second, clusters: [{cluster_name: plain_second, weight: 1}]}
                  retry_policy:
                    retry_on: 5xx
                    num_retries: 1
                    retry_back_off: {base_interval: 0.001s, max_interval: 0.001s}
                    refresh_cluster_on_retry: true

  clusters:
"""
CLUSTER = """\
  - name: plain_%s
    type: STATIC
    connect_timeout: 2s
    load_assignment:
      cluster_name: plain_%s
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: {socket_address: {address: 127.0.0.1, port_value: %d}}

"""


def configuration(ports: Dict[str, int]) -> Config:
    backing_off = "retry_back_off: {base_interval: 0.025s, max_interval: 0.25s}"
    plain = PLAIN + CLUSTER % ("first", "first", ports["unavailable"]) + CLUSTER % ("second", "second", ports["chat"])
    config = Config.read("envoy.yaml").with_module(module()).with_policy(POLICY)
    config = config.with_fakes({"openai": ports["fails"], "deepseek": ports["chat"], "anthropic": ports["messages"]})
    config = config.replace(backing_off, "retry_back_off: {base_interval: 0.001s, max_interval: 0.001s}")
    return config.replace("\n  clusters:\n", plain).with_ports(0, 0)


async def load(port: int, chain: str, stream: bool, count: int) -> None:
    body = json.dumps({"model": chain, "stream": stream, "max_completion_tokens": 50, "messages": [
        {"role": "user", "content": "Please answer anna.keller@example.org in a sentence or two. " * 8}]}).encode()
    head = ("POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n"
            "authorization: Bearer sk-bench\r\ncontent-length: %d\r\n\r\n" % len(body)).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(count):
        writer.write(head + body)
        got = await reader.readuntil(b"\r\n\r\n")
        if not got.startswith(b"HTTP/1.1 200"):
            raise Failed("no fail-over:\n" + got.decode("latin-1"))
        await body_of(reader, got.lower())
    writer.close()


def main() -> int:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=providers, args=(theirs,), daemon=True)
    server.start()
    started = time.monotonic()
    worst = 0.0
    try:
        with Envoy(configuration(ours.recv()), find_envoy(), concurrency=1, log_level="warning") as envoy:
            listeners = json.loads(envoy.admin("/listeners?format=json"))["listener_statuses"]
            ports = {one["name"]: one["local_address"]["socket_address"]["port_value"] for one in listeners}
            print("From the failing answer's last byte to the next provider, %d requests, one at a time" % REQUESTS)
            print("%-44s %10s %10s %10s" % ("", "p50", "p99", "most"))
            for listener, chain, stream, words in CASES:
                gaps: List[int] = []
                for count in (WARM_UP, REQUESTS):
                    asyncio.run(load(ports[listener], chain, stream, count))
                    ours.send("gaps")
                    gaps = sorted(ours.recv())
                p99 = gaps[len(gaps) * 99 // 100] / 1e6
                print("%-44s %7.2f ms %7.2f ms %7.2f ms" % (words, statistics.median(gaps) / 1e6, p99, gaps[-1] / 1e6))
                worst = max(worst, p99 if listener != "plain" else 0.0)
                if time.monotonic() - started > MOST_SECONDS:
                    raise Failed("out of time")
    finally:
        server.terminate()
        server.join()
    print("aim: below %.0f ms (%s)" % (AIM_MS, "met" if worst < AIM_MS else "not met: %.2f ms at p99" % worst))
    return 0
