"""What the filter costs: CPU time of the Envoy process per request, with Tollgate and without, in one run.

    .venv/bin/python wasm-tests/bench.py             CPU time, below
    .venv/bin/python wasm-tests/bench.py failover    the time that a fail-over costs: bench_failover.py

One Envoy with one worker has two listeners in front of the same upstream: `tollgate`, as shipped in envoy.yaml, and
`plain`, with nothing but the router. Batches of the same requests go to one and the other in turn, so that whatever
else the machine does meets both. Counted is what the kernel charged Envoy's process, in user and system mode; the
upstream and the load generator are other processes and their cost does not matter. A ratio is that of two neighbouring
batches; printed are their median and range.

Requests: `json` about 600 bytes there and 1 kB back, one address in it; `stream` the same with an answer of 50 events,
one at a time; `prose` a prompt of 32 KB with three addresses in it.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import multiprocessing
import random
import statistics
import sys
import time
from typing import Any, Dict, List, Tuple

import bench_failover
from harness import Config, Envoy, Failed, find_envoy, module

ROUNDS = 12
AT_ONCE = 16
WARM_UP = 3  # batches: V8 compiles what is used much once more, and better
SIZES = {"json": 400, "stream": 96, "prose": 128}  # requests per batch
MOST_SECONDS = 80.0

ADDRESS = "anna.keller@example.org"
EVENTS = 50
BETWEEN_EVENTS = 0.001  # seconds; without it the kernel would hand over many events as one piece


# ── What is asked and answered ──────────────────────────────────────────────────────────────────────────────────────

def prose(size: int) -> str:
    """English enough: words, punctuation, a few numbers, a few lines."""
    words = ("the of and to in that it was for on are with as his they at be this have from or one had by word but not "
             "what all were we when your can said there use an each which she do how their if will up other about out "
             "many then them these so some her would make like him into time has look two more write go see number no "
             "way could people my than first water been call who oil its now find long down day did get come made may "
             "part contract delivery invoice customer please between meeting report quarter response question").split()
    chance = random.Random(7)
    text: List[str] = []
    length = 0
    while length < size:
        sentence = [chance.choice(words) for _ in range(chance.randint(6, 18))]
        if chance.random() < 0.15:
            sentence.insert(3, str(chance.randint(2, 2030)))
        line = " ".join(sentence).capitalize() + chance.choice([". ", ". ", "? ", ".\n"])
        text.append(line)
        length += len(line)
    return "".join(text)[:size]


def request_of(kind: str) -> bytes:
    if kind == "prose":
        long = prose(32 * 1024)
        text = "%s %s %s, %s %s" % (ADDRESS, long[:16000], ADDRESS, long[16000:], "ben@example.net")
    else:
        text = prose(330) + "Answer " + ADDRESS
    body = json.dumps({
        "model": "gpt-5.4", "temperature": 0.2, "max_completion_tokens": 500, "stream": kind == "stream",
        "messages": [{"role": "system", "content": "You are a helpful assistant. Be brief."},
                     {"role": "user", "content": text}]}).encode()
    head = ("POST /v1/chat/completions HTTP/1.1\r\nhost: api.openai.com\r\ncontent-type: application/json\r\n"
            "authorization: Bearer sk-bench\r\naccept: application/json\r\nuser-agent: bench\r\nx-team: bench\r\n"
            "x-kind: %s\r\ncontent-length: %d\r\n\r\n" % (kind, len(body)))
    return head.encode() + body


USAGE = {"prompt_tokens": 110, "completion_tokens": 90, "total_tokens": 200,
         "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}}


def whole_answer() -> bytes:
    message = {"role": "assistant", "content": "Dear <EMAIL_1>, " + prose(560), "refusal": None, "annotations": []}
    body = json.dumps({
        "id": "chatcmpl-bench", "object": "chat.completion", "created": 1763970000, "model": "gpt-5.4", "usage": USAGE,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}]}).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def streamed_answer() -> List[bytes]:
    """The head and the events, each in a chunk of its own; the placeholder comes in three pieces."""
    deltas = ["Dear ", "<EMA", "IL_", "1>"] + [" %s" % word for word in prose(1000).split()]
    chunks = [{"delta": {"role": "assistant", "content": ""}}]
    chunks += [{"delta": {"content": text}} for text in deltas[:EVENTS - 4]] + [{"delta": {}, "finish_reason": "stop"}]
    common = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1763970000, "model": "gpt-5.4",
              "usage": None}
    events = [dict(common, choices=[dict({"index": 0, "logprobs": None, "finish_reason": None}, **chunk)])
              for chunk in chunks]
    events.append(dict(common, choices=[], usage=USAGE))
    lines = ["data: %s\n\n" % json.dumps(event) for event in events] + ["data: [DONE]\n\n"]
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
    return [head] + [b"%x\r\n%s\r\n" % (len(line), line.encode()) for line in lines] + [b"0\r\n\r\n"]


# ── The upstream, in a process of its own ───────────────────────────────────────────────────────────────────────────

def upstream(port: Any) -> None:
    whole, stream = whole_answer(), streamed_answer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                if b"transfer-encoding: chunked" in head:
                    while await reader.readuntil(b"\r\n") != b"0\r\n":
                        pass
                    await reader.readuntil(b"\r\n")
                else:
                    await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
                if b"x-kind: stream" in head:
                    for piece in stream:
                        writer.write(piece)
                        await asyncio.sleep(BETWEEN_EVENTS)
                else:
                    writer.write(whole)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        pass


# ── The load ────────────────────────────────────────────────────────────────────────────────────────────────────────

class Client:
    """Some connections that are kept."""

    def __init__(self, port: int):
        self.port = port
        self.connections: List[Tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def batch(self, request: bytes, count: int) -> bytes:
        """So many requests; the head of the last answer."""
        while len(self.connections) < AT_ONCE:
            self.connections.append(await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20))
        shares = [count // AT_ONCE + (number < count % AT_ONCE) for number in range(AT_ONCE)]
        heads = await asyncio.gather(*(
            self._some(request, share, *self.connections[number]) for number, share in enumerate(shares)))
        return heads[0]

    @staticmethod
    async def _some(request: bytes, count: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        head = b""
        for _ in range(count):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise Failed("an answer that is none:\n" + head.decode("latin-1"))
            if b"transfer-encoding: chunked" in head:
                await reader.readuntil(b"\r\n0\r\n\r\n")
            else:
                await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
        return head


PLAIN_LISTENER = """
  - name: plain
    address:
      socket_address: {address: 127.0.0.1, port_value: 0}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: plain
          normalize_path: true
          merge_slashes: true
          access_log:
          - name: envoy.access_loggers.stdout
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog
              log_format:
                json_format: {time: "%START_TIME%", method: "%REQ(:METHOD)%", status: "%RESPONSE_CODE%",
                              flags: "%RESPONSE_FLAGS%", details: "%RESPONSE_CODE_DETAILS%", duration_ms: "%DURATION%"}
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
                route: {cluster: plain, timeout: 600s}

  clusters:
  - name: plain
    type: STATIC
    connect_timeout: 2s
    circuit_breakers: *room
    load_assignment:
      cluster_name: plain
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: {socket_address: {address: 127.0.0.1, port_value: UPSTREAM}}
"""


def with_plain(port: int):
    return lambda text: text.replace("\n  clusters:\n", PLAIN_LISTENER.replace("UPSTREAM", str(port)), 1)


def ports_of(envoy: Envoy) -> Dict[str, int]:
    listeners = json.loads(envoy.admin("/listeners?format=json"))["listener_statuses"]
    return {one["name"]: one["local_address"]["socket_address"]["port_value"] for one in listeners}


def cpu_clock(pid: int) -> int:
    """The kernel's clock of what a process has used, of all its threads (see clock_getcpuclockid(3))."""
    return (~pid << 3) | 2


# ── The run ─────────────────────────────────────────────────────────────────────────────────────────────────────────

async def measure(envoy: Envoy) -> Dict[str, List[Tuple[float, float]]]:
    """For each kind and round, microseconds per request: plain, Tollgate."""
    ports = ports_of(envoy)
    clients = {"plain": Client(ports["plain"]), "tollgate": Client(ports["applications"])}
    clock = cpu_clock(envoy.process.child.pid)

    async def cost(side: str, kind: str) -> float:
        before = time.clock_gettime_ns(clock)
        head = await clients[side].batch(requests[kind], SIZES[kind])
        spent = time.clock_gettime_ns(clock) - before
        if (b"x-tollgate-decision: redacted" in head) != (side == "tollgate"):
            raise Failed("not what was to be measured:\n" + head.decode("latin-1"))
        return spent / SIZES[kind] / 1000

    requests = {kind: request_of(kind) for kind in SIZES}
    started = time.monotonic()
    for kind in SIZES:
        for _ in range(WARM_UP):
            await cost("plain", kind)
            await cost("tollgate", kind)
    found: Dict[str, List[Tuple[float, float]]] = {kind: [] for kind in SIZES}
    for number in range(ROUNDS):
        for kind in SIZES:
            # The order changes from round to round, so that neither side always has the warmer cache.
            order = ("plain", "tollgate") if number % 2 == 0 else ("tollgate", "plain")
            costs = {side: await cost(side, kind) for side in order}
            found[kind].append((costs["plain"], costs["tollgate"]))
        if time.monotonic() - started > MOST_SECONDS:
            break
    return found


def main() -> int:
    wasm = module()
    data = wasm.read_bytes()
    print("module        %.2f MB, %.2f MB packed" % (len(data) / 1e6, len(gzip.compress(data, 6)) / 1e6))
    receiver, sender = multiprocessing.Pipe(False)
    server = multiprocessing.get_context("spawn").Process(target=upstream, args=(sender,), daemon=True)
    server.start()
    try:
        port = receiver.recv()
        config = Config.read("envoy.yaml").with_module(wasm).with_fakes(
            {name: port for name in ("openai", "deepseek", "anthropic")}).edit(with_plain(port)).with_ports(0, 0)
        # Of no account here, and it would end the run: a budget of two million tokens.
        config = config.replace("limit: {tokens: 2000000}", "limit: {tokens: 2000000000000}")
        with Envoy(config, find_envoy(), concurrency=1, log_level="warning") as envoy:
            found = asyncio.run(measure(envoy))
    finally:
        server.terminate()
        server.join()
    rounds = len(found["json"])
    print("\nCPU time of Envoy per request, median of %d rounds of batches in turn" % rounds)
    print("%-8s %12s %12s %28s" % ("", "plain", "tollgate", "ratio (least – most)"))
    for kind, pairs in found.items():
        plain, ours = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
        ratios = [with_it / without for without, with_it in pairs]
        print("%-8s %9.0f µs %9.0f µs %14.2f (%.2f – %.2f)" % (
            kind, plain, ours, statistics.median(ratios), min(ratios), max(ratios)))
    return 0


if __name__ == "__main__":
    sys.exit(bench_failover.main() if sys.argv[1:] == ["failover"] else main())
