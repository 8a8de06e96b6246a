"""A key reaches the one provider that it is for, wherever it stood and however often the request fails over."""

import json
import os
from pathlib import Path

import pytest

import kinds
from harness import PROVIDERS
from house import HOUSE, house, team, user
from wire import JSON, Connection, request

KEY = "opaque-Kx71"
HOUSES = ("fake-deepseek-key", "fake-anthropic-key", "sk-from-a-file", "sk-rotated")
PASSING = {name: dict(provider, credential="passthrough") for name, provider in HOUSE["providers"].items()}
CHAT = {"model": "smart", "messages": user("hi")}
MESSAGES = dict(CHAT, max_tokens=9)


@pytest.fixture
def tollgate(gateway):
    """Every provider takes its callers' keys."""
    return gateway(policy=house(providers=PASSING))


def ask(tollgate, headers, path="/v1/chat/completions", body=None, host="gateway.internal"):
    lines = ["%s: %s" % pair for pair in headers]
    data = json.dumps(body or (MESSAGES if "messages" in path else CHAT)).encode()
    with Connection(tollgate.port) as connection:
        connection.send(request(data, path, lines, host=host, common=JSON))
        return connection.answer().status


def who_saw(tollgate, key=KEY):
    """The providers that got the key, wherever in their request it stood."""
    saw = set()
    for name in ("openai", "deepseek", "anthropic"):
        for got in tollgate.fake[name].requests():
            if key in json.dumps([got["path"], got["headers"], got["trailers"]]) + got["body"]:
                saw.add(got["provider"] if "provider" in got else name)
    return saw


BEARER, ANTHROPICS, GOOGLES, AZURES = (("authorization", "Bearer " + KEY), ("x-api-key", KEY), ("x-goog-api-key", KEY),
                                       ("api-key", KEY))


@pytest.mark.parametrize("headers, path, owner", [
    ([BEARER], "/v1/chat/completions", {"openai"}),
    ([("Authorization", "bearer " + KEY)], "/v1/chat/completions", {"openai"}),
    ([ANTHROPICS], "/v1/messages", {"anthropic"}),
    ([BEARER], "/v1/messages", {"anthropic"}),
    ([ANTHROPICS], "/v1/chat/completions", {"anthropic"}),
    ([GOOGLES], "/v1/chat/completions", set()),
    ([AZURES], "/v1/chat/completions", set()),
    ([], "/v1/chat/completions?a=1&key=" + KEY, set()),
    ([], "/v1/chat/completions?k%65y=" + KEY + "&KEY=" + KEY + "&key=" + KEY, set()),
    ([("cookie", "session=" + KEY), ("proxy-authorization", "Basic " + KEY)], "/v1/chat/completions", set()),
    ([BEARER, ("authorization", "Bearer another")], "/v1/chat/completions", set()),
    ([ANTHROPICS, ("x-api-key", "another")], "/v1/messages", set()),
], ids=str)
@pytest.mark.parametrize("fails", [(), ("openai",), ("openai", "deepseek"), ("openai", "deepseek", "anthropic")], ids=str)
def test_a_key_reaches_nobody_but_the_one_that_it_is_for(tollgate, headers, path, owner, fails):
    for name in fails:
        tollgate.fake[name].faults("503", sticky=True)
    ask(tollgate, headers, path)
    seen = who_saw(tollgate)
    assert seen <= owner, seen
    if owner == {"openai"} or fails == ("openai", "deepseek"):
        assert seen == owner
    assert KEY not in tollgate.log and KEY not in tollgate.envoy.process.out.read_text("utf-8", "replace")


def test_the_host_that_a_call_is_addressed_to_says_whose_the_key_is(tollgate):
    tollgate.fake["openai"].faults("503", sticky=True)
    ask(tollgate, [BEARER], host="api.anthropic.com")
    assert who_saw(tollgate) == {"anthropic"}


def test_a_policy_may_say_that_any_key_is_for_a_provider(gateway):
    openly = dict(PASSING, openai=dict(PASSING["openai"], credential={"passthrough": "any"}))
    tollgate = gateway(policy=house(providers=openly), concurrency=1)
    assert ask(tollgate, [ANTHROPICS], "/v1/messages") == 200
    assert who_saw(tollgate) == {"openai"}


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
@pytest.mark.parametrize("fails", [(), ("openai",), ("openai", "deepseek")], ids=str)
def test_the_operators_keys_reach_their_own_provider_alone(gateway, dialect, fails):
    tollgate = gateway(policy=HOUSE)
    for name in fails:
        tollgate.fake[name].faults("500", sticky=True)
    if dialect == "openai":
        tollgate.openai(team=team(), api_key=KEY).chat.completions.create(model="smart", messages=user("hi"))
    else:
        tollgate.anthropic(team=team(), api_key=KEY).messages.create(model="smart", max_tokens=9, messages=user("hi"))
    assert who_saw(tollgate) <= {"openai"}
    assert who_saw(tollgate, "fake-deepseek-key") <= {"deepseek"}
    assert who_saw(tollgate, "fake-anthropic-key") <= {"anthropic"}


# ---- nine kinds in one chain: each has its own key, and every one of them fails

@pytest.fixture
def all_kinds(gateway):
    chain = {"all": {"targets": ["%s/%s" % (kind, kinds.MODELS[kind]) for kind in PROVIDERS]}}
    return gateway(policy=kinds.policy([kinds.route("all", "all")], chains=chain), concurrency=1)


@pytest.mark.parametrize("path, header", [
    ("/v1/chat/completions", BEARER), ("/v1/messages", ANTHROPICS), ("/v1/responses", BEARER),
    ("/v1beta/models/all:generateContent?key=" + KEY, GOOGLES), ("/v1/completions", BEARER)], ids=str)
def test_each_of_nine_providers_sees_its_own_key_and_no_other(all_kinds, path, header):
    bodies = {"/v1/messages": dict(MESSAGES, model="all"), "/v1/responses": {"model": "all", "input": "hi"},
              "/v1/completions": {"model": "all", "prompt": "hi"}}
    contents = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    for kind in PROVIDERS:
        all_kinds.fake[kind].faults("500", sticky=True)
    body = bodies.get(path, contents if "generateContent" in path else dict(CHAT, model="all"))
    assert ask(all_kinds, [header], path, body) >= 400
    keys = {"fake-%s-key" % kind for kind in PROVIDERS} | {KEY}
    for kind in PROVIDERS:
        (got,) = all_kinds.fake[kind].requests()
        text = json.dumps([got["path"], got["headers"], got["trailers"]]) + got["body"]
        own = "fake-%s-key" % kind
        assert [key for key in sorted(keys) if key in text and not (key in own and key != own)] == [own], kind


# ---- Envoy's own: credential_injector, with a secret in a file that Envoy watches

INJECTOR = """\
      - name: envoy.filters.http.credential_injector
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.http.credential_injector.v3.CredentialInjector
          overwrite: true
          credential:
            name: envoy.http.injected_credentials.generic
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.http.injected_credentials.generic.v3.Generic
              credential:
                name: openai-key
                sds_config:
                  path_config_source: {path: %s, watched_directory: {path: %s}}
                  resource_api_version: V3
"""
SECRET = """\
resources:
- "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
  name: openai-key
  generic_secret: {secret: {inline_string: "Bearer %s"}}
"""


class Injected:
    """An `edit`: OpenAI's cluster gets its key from a file. The injector stands behind Tollgate's role."""

    def __init__(self, folder):
        self.file = Path(folder) / "openai-key.yaml"
        self.write("sk-from-a-file")

    def write(self, key):
        new = self.file.with_suffix(".new")
        new.write_text(SECRET % key, "utf-8")
        os.replace(new, self.file)

    def __call__(self, text):
        begin, end = text.index("  provider: &provider\n"), text.index("  # ── Envoy's default limits")
        block = text[begin:end]
        codec = "      - name: envoy.filters.http.upstream_codec\n"
        injected = block.replace("  provider: &provider\n", "  with_key: &with_key\n", 1).replace(
            codec, INJECTOR % (self.file, self.file.parent) + codec, 1)
        assert injected.count("credential_injector") >= 2
        text = text[:end] + injected + text[end:]
        # Whoever reads secrets from elsewhere has to say who it is.
        text = text.replace("\nadmin:\n", "\nnode: {id: gateway, cluster: gateways}\n\nadmin:\n", 1)
        place = text.index("  - name: openai\n    type: STRICT_DNS")
        return text[:place] + text[place:].replace(
            "typed_extension_protocol_options: *provider", "typed_extension_protocol_options: *with_key", 1)


def test_envoys_injector_stands_behind_tollgate_and_its_key_goes_no_further(gateway, tmp_path):
    edit = Injected(tmp_path)
    providers = dict(HOUSE["providers"], openai=dict(HOUSE["providers"]["openai"], credential="envoy"),
                     inner=dict(HOUSE["providers"]["inner"], credential="envoy"))
    tollgate = gateway(policy=house(providers=providers), edit=edit, fresh=True, concurrency=1)
    client = tollgate.openai(team=team(), api_key=KEY)
    client.chat.completions.create(model="smart", messages=user("hi"))
    (got,) = tollgate.fake["openai"].requests()
    assert got["headers"]["authorization"] == "Bearer sk-from-a-file"

    # It is in the headers by the time that the next provider is asked, and must not get there.
    tollgate.fake["openai"].faults("503")
    tollgate.fake["deepseek"].faults("503")
    client.chat.completions.create(model="smart", messages=user("hi"))
    assert who_saw(tollgate, "sk-from-a-file") == {"openai"} and who_saw(tollgate) == set()
    (got,) = tollgate.fake["deepseek"].requests()
    assert got["headers"]["authorization"] == "Bearer fake-deepseek-key"
    (got,) = tollgate.fake["anthropic"].requests()
    assert "authorization" not in got["headers"] and got["headers"]["x-api-key"] == "fake-anthropic-key"

    # Another key in the file is another key for the next request, without a restart.
    edit.write("sk-rotated")
    tollgate.envoy.process.until(lambda: rotated(tollgate, client), "the rotated key", 10)
    for key in HOUSES:
        assert key not in tollgate.log


def rotated(tollgate, client):
    tollgate.fake["openai"].reset()
    client.chat.completions.create(model="gpt-5.4", messages=user("hi"))
    (got,) = tollgate.fake["openai"].requests()
    return got["headers"]["authorization"] == "Bearer sk-rotated"


@pytest.mark.parametrize("config", ["envoy.yaml", "envoy-chains.yaml", "envoy-direct.yaml"])
def test_no_header_of_envoys_reaches_a_provider(gateway, config):
    policy = HOUSE if config != "envoy-direct.yaml" else house(
        providers={"openai": HOUSE["providers"]["openai"]}, chains={}, routes=[], models={})
    tollgate = gateway(policy=policy, config=config)
    if config != "envoy-direct.yaml":
        tollgate.fake["openai"].faults("503")
        tollgate.fake["deepseek"].faults("503")
    headers = [BEARER, ("x-envoy-external-address", "10.1.2.3"), ("x-request-id", "0f0e"), ("x-envoy-internal", "true")]
    body = dict(CHAT, model="gpt-5.4" if config == "envoy-direct.yaml" else "smart")
    assert ask(tollgate, headers, body=body) == 200
    for name in ("openai", "deepseek", "anthropic"):
        for got in tollgate.fake[name].requests():
            telling = [header for header in got["headers"] if header.startswith("x-envoy-") or header == "x-request-id"]
            assert telling == [], name
