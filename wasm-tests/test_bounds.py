"""Every buffer has a bound, and nothing stays of a request that is over."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from house import CARD, EMAIL, HOUSE, TEXT, assert_nowhere, body, said, team, user
from wire import CHAT, send

BODY, FIRST_EVENT = 256 * 1024, 16 * 1024
POLICY = dict(HOUSE, limits={"body": BODY, "first_event": FIRST_EVENT})


@pytest.fixture
def tollgate(gateway):
    return gateway(policy=POLICY)


def ask(tollgate, **more):
    answer = tollgate.openai(team=team()).chat.completions.with_raw_response.create(
        **{"model": "smart", "messages": user(TEXT), **more})
    parsed = answer.parse()
    return (said(parsed) if more.get("stream") else parsed.choices[0].message.content), answer.headers


def test_a_whole_answer_over_the_bound_is_given_up(tollgate):
    tollgate.fake["openai"].faults({"text": "x" * 2 * BODY})
    text, headers = ask(tollgate)
    assert text == TEXT and headers["x-tollgate-provider"] == "deepseek"
    assert tollgate.records(1)[0]["tollgate.attempts"][0]["class"] == "broken_response"


def test_an_error_over_the_bound_is_given_up(tollgate):
    tollgate.fake["openai"].faults({"status": 500, "body": json.dumps({"error": {"message": "x" * 2 * BODY}})})
    text, headers = ask(tollgate)
    assert text == TEXT and headers["x-tollgate-provider"] == "deepseek"


def test_a_lone_provider_whose_answer_is_over_the_bound_is_an_error_in_the_callers_dialect(tollgate):
    tollgate.fake["openai"].faults({"text": "x" * 2 * BODY})
    answer = send(tollgate.port, body(model="gpt-5.4"))
    assert answer.status == 502 and answer.ended and answer.json["error"]["code"] == "broken_response"


def test_a_stream_may_be_longer_than_any_bound(tollgate):
    text = "Dear <EMAIL_1>, " * 20_000
    tollgate.fake["openai"].faults({"text": text, "delta": 400})
    answer, headers = ask(tollgate, stream=True)
    assert answer == text.replace("<EMAIL_1>", EMAIL) and headers["x-tollgate-provider"] == "openai"


def test_a_stream_of_comments_is_not_held_without_end(tollgate):
    """Keep-alives beyond the bound of what is held, then the answer: the stream is let go, and it is still restored."""
    tollgate.fake["openai"].faults({"comments": True, "cut": 1500, "delta": 1})
    answer, _ = ask(tollgate, stream=True)
    assert answer == TEXT
    assert_nowhere(tollgate, EMAIL, CARD)


def test_a_first_event_that_does_not_end_is_not_collected_without_end(tollgate):
    endless = "data: " + "x" * 12 * 1024 * 1024
    tollgate.fake["openai"].faults({"body": endless, "content_type": "text/event-stream", "cut": 65536})
    answer = send(tollgate.port, body(stream=True))
    if answer.status == 200 and answer.headers["x-tollgate-provider"] == "openai":
        assert "error" in json.loads(answer.events()[-1]) and "[DONE]" not in answer.text
        assert len(answer.body) < 1024 * 1024
    else:
        assert answer.headers["x-tollgate-provider"] == "deepseek"
    assert tollgate.records(1)[0]["tollgate.attempts"][0]["class"] == "broken_response"


def rss(tollgate):
    status = Path("/proc/%d/status" % tollgate.envoy.process.child.pid).read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def test_memory_does_not_grow_with_the_number_of_requests(gateway):
    """Answered, refused, failed, cut short by the provider, left by the client: after all of them it is as before."""
    tollgate = gateway(policy=POLICY, concurrency=1, fresh=True)
    words = "word " * 20_000 + EMAIL
    brief = {"text": "Dear <EMAIL_1>, " * 20, "delta": 20}
    kinds = [(body(words, **more), dict(brief, **fault)) for more, fault in [
        ({}, {}), ({"stream": True}, {}), ({"model": "claude", "stream": True}, {}), ({}, {"status": 429}),
        ({"stream": True}, {"end": "close", "after": 8}), ({"stream": True}, {"end": "stall", "after": 8})]]
    kinds += [(body(words + "OPERATION-BLUE"), {}), (b'{"a":' + b" " * 20000, {})]

    async def load(count):
        async with httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=40)) as client:
            async def one(number):
                data, fault = kinds[number % len(kinds)]
                headers = {"content-type": "application/json", "authorization": "Bearer k", "connection": "close",
                           "x-team": "team-%d" % (number % 50), "x-fake-fault": json.dumps(fault)}
                try:
                    await client.post(tollgate.url + CHAT, content=data, headers=headers,
                                      timeout=0.25 if "stall" in str(fault) else 20)
                except httpx.HTTPError:
                    pass
            for at in range(0, count, 40):
                await asyncio.gather(*(one(number) for number in range(at, at + 40)))
                tollgate.fake.reset()  # or the fakes' own memory would grow

    asyncio.run(load(280))
    first = rss(tollgate)
    asyncio.run(load(480))
    grown = rss(tollgate) - first
    # One body kept of each would be 48 MB.
    assert grown < 16, "%.0f MB more after 480 requests, %.0f MB after the first 280" % (grown, first)
    assert len(tollgate.records(600)) >= 600
