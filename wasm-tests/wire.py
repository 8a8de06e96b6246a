"""HTTP by hand: for bytes that no client library would send, and for those that it would hide."""

from __future__ import annotations

import json
import socket
import time
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Union

import h2.config
import h2.connection
import h2.events
import h2.settings

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
JSON = ["content-type: application/json"]
KEY = ["authorization: Bearer sk-test"]
TIMEOUT = 15.0


class Answer:
    """A response as it was on the wire."""

    def __init__(self, status: int, headers: List[Tuple[str, str]], body: bytes, ended: bool,
                 trailers: List[Tuple[str, str]]):
        self.status, self.body, self.trailers = status, body, dict(trailers)
        self.pairs = headers
        self.headers = dict(headers)
        self.ended = ended  # the body's end was seen

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    def events(self) -> List[str]:
        """The data of each server-sent event."""
        return [block[len("data: "):] for block in self.text.split("\n\n") if block.startswith("data: ")]


class Connection:
    """One HTTP/1.1 connection."""

    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.held = b""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: Any) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def more(self) -> bool:
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            data = b""
        self.held += data
        return bool(data)

    def until(self, mark: bytes) -> bytes:
        """Takes everything up to and with the mark."""
        while mark not in self.held:
            if not self.more():
                raise EOFError("the connection ended; held: %r" % self.held[-500:])
        taken, _, self.held = self.held.partition(mark)
        return taken + mark

    def exactly(self, size: int) -> bytes:
        while len(self.held) < size and self.more():
            pass
        taken, self.held = self.held[:size], self.held[size:]
        return taken

    def head(self) -> Tuple[int, List[Tuple[str, str]]]:
        lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        pairs = (line.split(":", 1) for line in lines[1:] if ":" in line)
        return int(lines[0].split(" ")[1]), [(name.lower(), value.strip()) for name, value in pairs]

    def answer(self) -> Answer:
        status, headers = self.head()
        fields = dict(headers)
        if fields.get("transfer-encoding") == "chunked":
            body, ended, trailers = self._chunks()
        elif "content-length" in fields:
            size = int(fields["content-length"])
            body, trailers = self.exactly(size), []
            ended = len(body) == size
        else:
            while self.more():
                pass
            body, self.held, ended, trailers = self.held, b"", True, []
        return Answer(status, headers, body, ended, trailers)

    def _chunks(self) -> Tuple[bytes, bool, List[Tuple[str, str]]]:
        body = b""
        try:
            while True:
                size = int(self.until(b"\r\n"), 16)
                if size == 0:
                    break
                body += self.exactly(size)
                self.exactly(2)
            trailers = []
            while True:
                line = self.until(b"\r\n").decode("latin-1").strip()
                if not line:
                    return body, True, trailers
                name, value = line.split(":", 1)
                trailers.append((name.lower(), value.strip()))
        except EOFError:
            return body, False, []


def head(path: str = CHAT, headers: Sequence[str] = (), method: str = "POST", host: str = "gateway") -> bytes:
    lines = ["%s %s HTTP/1.1" % (method, path), "host: " + host, *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def request(body: bytes, path: str = CHAT, headers: Sequence[str] = (), method: str = "POST",
            host: str = "gateway", common: Sequence[str] = (*JSON, *KEY)) -> bytes:
    """A whole request with its length."""
    return head(path, [*common, *headers, "content-length: %d" % len(body)], method, host) + body


def chunked(pieces: Iterable[bytes], trailers: Sequence[str] = ()) -> bytes:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return chunks + b"0\r\n" + "".join(line + "\r\n" for line in trailers).encode() + b"\r\n"


def send(port: int, body: Union[bytes, Dict[str, Any]], path: str = CHAT, headers: Sequence[str] = (),
         **more: Any) -> Answer:
    """One request on a connection of its own."""
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    with Connection(port) as connection:
        connection.send(request(data, path, [*headers, "connection: close"], **more))
        return connection.answer()


def http2(port: int, body: bytes, path: str = CHAT, headers: Sequence[Tuple[str, str]] = (),
          trailers: Sequence[Tuple[str, str]] = (), piece: int = 16384) -> Answer:
    """One request over HTTP/2 with prior knowledge, with trailers if there are any."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as plug:
        connection.initiate_connection()
        connection.send_headers(1, [
            (":method", "POST"), (":path", path), (":scheme", "http"), (":authority", "gateway"),
            ("content-type", "application/json"), ("authorization", "Bearer sk-test"), *headers],
            end_stream=not body and not trailers)
        for at in range(0, len(body), piece):
            last = at + piece >= len(body) and not trailers
            connection.send_data(1, body[at:at + piece], end_stream=last)
        if trailers:
            connection.send_headers(1, list(trailers), end_stream=True)
        plug.sendall(connection.data_to_send())
        status, pairs, data, behind = 0, [], b"", []
        ended = False
        while not ended:
            received = plug.recv(65536)
            if not received:
                break
            for event in connection.receive_data(received):
                if isinstance(event, h2.events.ResponseReceived):
                    fields = [(str(name), str(value)) for name, value in event.headers]
                    status, pairs = int(dict(fields)[":status"]), fields
                elif isinstance(event, h2.events.DataReceived):
                    data += event.data
                    connection.acknowledge_received_data(event.flow_controlled_length, 1)
                elif isinstance(event, h2.events.TrailersReceived):
                    behind = [(str(name), str(value)) for name, value in event.headers]
                elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                    ended = True
            plug.sendall(connection.data_to_send())
        return Answer(status, pairs, data, ended, behind)


def wait_for(condition: Any, what: str, seconds: float = 5.0) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        found: Optional[Any] = condition()
        if found:
            return found
        assert time.monotonic() < deadline, "no %s within %.0f s" % (what, seconds)
        time.sleep(0.02)
