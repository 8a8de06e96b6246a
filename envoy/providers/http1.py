"""HTTP/1.1 on bare asyncio streams.

A web framework would keep us from doing what these fakes are for: cut a body anywhere, drip it, reset the connection
in the middle of it, lie about its length. So requests are read and responses are written by hand. What is sent is a
*script*: a list of actions (`Send`, `Wait`, `Stall`, `Reset`, `Close`) that this file plays and knows no more about.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass, field
from typing import List, Optional, Tuple, Union

MAX_HEAD = 256 * 1024
MAX_BODY = 64 * 1024 * 1024
LONGEST_STALL = 600.0  # a stalled answer ends with the client, or after this many seconds

Headers = List[Tuple[str, str]]


class BadRequest(Exception):
    """The peer does not speak HTTP/1.1."""


@dataclass
class Request:
    method: str
    path: str
    headers: Headers
    body: bytes = b""
    trailers: Headers = field(default_factory=list)

    def header(self, name: str) -> Optional[str]:
        """The first value of the header, whose name is given in lower case."""
        return next((value for key, value in self.headers if key.lower() == name), None)


@dataclass
class Send:
    data: bytes


@dataclass
class Wait:
    seconds: float


class Stall:
    """Say nothing until the client goes away."""


class Reset:
    """Drop the connection with a TCP reset."""


class Close:
    """Close the connection in an orderly way, whatever was promised."""


Action = Union[Send, Wait, Stall, Reset, Close]


async def read_request(reader: asyncio.StreamReader) -> Optional[Request]:
    """The next request of the connection, or None when the client is done."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial.strip():
            raise BadRequest("the connection ended within the request's head") from end
        return None
    lines = head.decode("latin-1").split("\r\n")
    try:
        method, path, _version = lines[0].split(" ")
    except ValueError:
        raise BadRequest("no request line") from None
    request = Request(method, path, _headers(lines[1:]))
    await _read_body(reader, request)
    return request


def _headers(lines: List[str]) -> Headers:
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return [(name.strip(), value.strip()) for name, value in pairs]


async def _read_body(reader: asyncio.StreamReader, request: Request) -> None:
    if "chunked" in (request.header("transfer-encoding") or "").lower():
        await _read_chunks(reader, request)
        return
    length = int(request.header("content-length") or 0)
    if length > MAX_BODY:
        raise BadRequest("body too long")
    request.body = await reader.readexactly(length)


async def _read_chunks(reader: asyncio.StreamReader, request: Request) -> None:
    body = bytearray()
    while True:
        size = int((await reader.readline()).split(b";")[0], 16)
        if size == 0:
            break
        if len(body) + size > MAX_BODY:
            raise BadRequest("body too long")
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    request.body = bytes(body)
    lines = []
    while True:
        line = (await reader.readline()).decode("latin-1").strip()
        if not line:
            break
        lines.append(line)
    request.trailers = _headers(lines)


def head(status: int, headers: Headers) -> bytes:
    """Status line and headers of a response."""
    lines = ["HTTP/1.1 %d %s" % (status, REASONS.get(status, "Status"))]
    lines += ["%s: %s" % pair for pair in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


def last_chunk(trailers: Headers) -> bytes:
    return b"0\r\n" + "".join("%s: %s\r\n" % pair for pair in trailers).encode("latin-1") + b"\r\n"


async def play(script: List[Action], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Plays the script; says how it ended: "whole", "cut" (by the script) or "aborted" (by the client)."""
    try:
        for action in script:
            if isinstance(action, Send):
                writer.write(action.data)
                await writer.drain()
            elif isinstance(action, Wait):
                if await _client_left(reader, action.seconds):
                    return "aborted"
            elif isinstance(action, Stall):
                await _client_left(reader, LONGEST_STALL)
                writer.close()
                return "cut"
            elif isinstance(action, Reset):
                reset(writer)
                return "cut"
            else:
                writer.close()
                return "cut"
    except ConnectionError:
        return "aborted"
    return "whole"


async def _client_left(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Waits so long, or until the client closes. (A client that pipelines is none of ours.)"""
    if reader.at_eof():
        return True
    try:
        return await asyncio.wait_for(reader.read(1), seconds) == b""
    except asyncio.TimeoutError:
        return False


def reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


REASONS = {
    200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 413: "Payload Too Large", 422: "Unprocessable Entity",
    429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout", 529: "Overloaded",
}
