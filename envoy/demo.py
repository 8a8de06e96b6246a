"""`make run`: Envoy with Tollgate and fake providers, and three calls of an application through it.

The application is the official OpenAI client, pointed at Envoy and otherwise unchanged. What it sent, what the provider
received and what came back are shown side by side, and checked: the exit status is 0 only if nothing that the policy
protects has left, and everything came back restored.

On a terminal Envoy then keeps running until Ctrl-C. PORT and ADMIN_PORT choose other ports than 10000 and 9901. A
provider whose API key is in the environment (OPENAI_API_KEY, DEEPSEEK_API_KEY, ANTHROPIC_API_KEY) is the real one,
unless `--fake` is given.
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

from gateway import ADMIN_PORT, ENVIRONMENT, LISTENER_PORT, MODULE, Config, Envoy, Failed, Fakes, find_envoy

ROOT = Path(__file__).resolve().parent.parent
REAL = {
    "openai": ("OPENAI_API_KEY", "api.openai.com"),
    "deepseek": ("DEEPSEEK_API_KEY", "api.deepseek.com"),
    "anthropic": ("ANTHROPIC_API_KEY", "api.anthropic.com"),
}
MAIL, CARD = "anna.keller@example.org", "4111 1111 1111 1111"
PROMPT = "Write to %s that card %s was charged twice; copy %s." % (MAIL, CARD, MAIL)


class Demo:
    """The three calls. What is wrong is collected, so that all of it is shown."""

    def __init__(self, envoy: Envoy, fakes: Fakes, real: List[str]):
        self.envoy, self.fakes, self.real = envoy, fakes, real
        self.wrong: List[str] = []
        self.client = _client(envoy.url, os.environ["OPENAI_API_KEY"] if "openai" in real else "sk-demo")

    def run(self) -> None:
        self.plain()
        self.streamed()
        if not self.real:
            self.fail_over()

    def plain(self) -> None:
        title("1. A call")
        response = self.client.chat.completions.with_raw_response.create(
            model="smart", messages=[{"role": "user", "content": PROMPT}])
        self.tell(PROMPT, response.parse().choices[0].message.content or "")
        self.headers(response.headers)
        self.record(1)

    def streamed(self) -> None:
        title("2. The same, streamed: placeholders are restored however the stream is cut")
        self.fakes.reset()
        answer = ""
        for chunk in self.client.chat.completions.create(
                model="smart", messages=[{"role": "user", "content": PROMPT}], stream=True):
            answer += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        self.tell(PROMPT, answer)

    def fail_over(self) -> None:
        title("3. A fail-over: the first provider answers 429, the second breaks off, the third answers")
        self.fakes.reset()
        self.fakes["openai"].faults("429")
        self.fakes["deepseek"].faults("reset")
        response = self.client.chat.completions.with_raw_response.create(
            model="smart", messages=[{"role": "user", "content": PROMPT}])
        self.tell(PROMPT, response.parse().choices[0].message.content or "")
        self.headers(response.headers)
        self.record(3)
        self.check(response.headers.get("x-tollgate-provider") == "anthropic", "the third provider did not answer")

    def tell(self, sent: str, answered: str) -> None:
        show("the application sent", sent)
        for name in self.fakes.ports:
            for request in self.fakes[name].requests():
                body = request["json"] or {}
                show(name + " received", _last_text(body))
                rest = {key: value for key, value in body.items() if key not in ("messages", "system")}
                show("", "%s %s" % (request["path"], json.dumps(rest)))
                for value in (MAIL, CARD, CARD.replace(" ", "")):
                    self.check(value not in request["body"], "%s received %s" % (name, value))
                if name == "openai":
                    self.check(body.get("store") is False, "the retention opt-out is not set")
        show("the application got", answered)
        if not self.real:
            self.check(answered == sent, "what came back is not what was sent")

    def headers(self, headers: Any) -> None:
        ours = {name: value for name, value in headers.items() if name.startswith("x-tollgate-")}
        self.check(bool(ours), "no x-tollgate-* response headers")
        for name, value in sorted(ours.items()):
            show(name, value)

    def record(self, number: int) -> None:
        deadline = time.monotonic() + 3
        lines = self.envoy.access_log()
        while len(lines) < number and time.monotonic() < deadline:
            time.sleep(0.05)
            lines = self.envoy.access_log()
        record = lines[-1]["record"] if lines else None
        self.check(bool(record), "no record in the access log")
        show("the record", json.dumps(record, indent=2, ensure_ascii=False))
        self.check(not any(value in json.dumps(lines) for value in (MAIL, CARD)), "a value is in the access log")

    def check(self, right: bool, otherwise: str) -> None:
        if not right:
            self.wrong.append(otherwise)


def title(text: str) -> None:
    print("\n" + text + "\n" + "─" * len(text))


def show(name: str, text: str) -> None:
    lines = text.split("\n")
    print("  %-24s %s" % (name, lines[0]))
    for line in lines[1:]:
        print(" " * 27 + line)


def _last_text(body: Dict[str, Any]) -> str:
    messages = body.get("messages") or [{}]
    content = messages[-1].get("content")
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content)
    return str(content)


def _client(url: str, key: str) -> Any:
    import openai
    # `trust_env=False`: a proxy in the environment must not get between the application and Envoy on this machine.
    return openai.OpenAI(base_url=url + "/v1", api_key=key, max_retries=0, default_headers={"x-team": "demo"},
                         http_client=openai.DefaultHttpxClient(trust_env=False))


def _config(fakes: Fakes, real: List[str], port: int, admin: int) -> Config:
    config = Config.read("envoy.yaml").with_module(ROOT / MODULE).with_ports(port, admin)
    for name in real:
        config = config.with_real(name, REAL[name][1], _authorities())
    return config.with_fakes({name: fakes.ports[name] for name in fakes.ports if name not in real})


def _authorities() -> str:
    found = ssl.get_default_verify_paths().cafile
    if found:
        return found
    import certifi
    return certifi.where()


def main() -> int:
    parser = argparse.ArgumentParser(description="Envoy with Tollgate and fake providers, and three calls through it.")
    parser.add_argument("--fake", action="store_true", help="fake providers even where API keys are in the environment")
    fake_only = parser.parse_args().fake
    if not (ROOT / MODULE).exists():
        raise Failed("no module at %s; run `make build`" % MODULE)
    real = [name for name, (key, _) in REAL.items() if os.environ.get(key) and not fake_only]
    environment = {key: os.environ[key] for key in ENVIRONMENT if os.environ.get(key) and not fake_only}
    port, admin = int(os.environ.get("PORT", LISTENER_PORT)), int(os.environ.get("ADMIN_PORT", ADMIN_PORT))
    with Fakes(list(REAL)) as fakes:
        with Envoy(_config(fakes, real, port, admin), find_envoy(), environment=environment) as envoy:
            print("Envoy with Tollgate on %s, admin on http://127.0.0.1:%d" % (envoy.url, envoy.admin_port))
            print("real providers: %s; the others are fakes that repeat what they are told" %
                  (", ".join(real) or "none"))
            demo = Demo(envoy, fakes, real)
            try:
                demo.run()
            except Exception as error:  # the calls of a client can fail in many ways; each is worth the log
                demo.wrong.append("%s: %s\n%s" % (type(error).__name__, error, envoy.log()[-4000:]))
            print()
            for wrong in demo.wrong:
                print("WRONG: " + wrong)
            if not demo.wrong:
                print("All as it should be.")
            if sys.stdin.isatty():
                _stay(envoy)
            return 1 if demo.wrong else 0


def _stay(envoy: Envoy) -> None:
    body = {"model": "smart", "messages": [{"role": "user", "content": "I am " + MAIL}]}
    print("\nEnvoy keeps running; Ctrl-C stops it. Try:\n\n  curl -i %s/v1/chat/completions -H 'authorization: Bearer "
          "sk-demo' \\\n    -H 'content-type: application/json' -d '%s'\n" % (envoy.url, json.dumps(body)))
    try:
        while envoy.process.running():
            time.sleep(0.5)
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failed:
        sys.exit(str(failed))
