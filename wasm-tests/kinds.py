"""A policy with every kind of provider, each reached by a model's name, and the tables that whole runs leave behind."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, List, Optional

from harness import PROVIDERS, ROOT, Failed

MODELS = {"openai": "gpt-5.4", "azure_openai": "gpt-5.4", "anthropic": "claude-sonnet-5", "gemini": "gemini-3.5-flash",
          "deepseek": "deepseek-v4-pro", "qwen": "qwen-plus", "mistral": "mistral-large-latest",
          "openrouter": "anthropic/claude-sonnet-5", "openai_compatible": "house-llama"}
HOSTS = {"azure_openai": "house.openai.azure.com", "openai_compatible": "llm.internal"}
# The key of the caller; every provider's own comes from the environment, so nobody may ever see this one.
CALLERS_KEY = "fake-caller-key"


def provider(kind: str) -> Dict[str, Any]:
    entry = {"dialect": kind, "cluster": kind, "credential": {"env": kind.upper() + "_API_KEY"}}
    return dict(entry, host=HOSTS[kind]) if kind in HOSTS else entry


def route(alias: str, use: str) -> Dict[str, Any]:
    return {"name": re.sub(r"[^a-zA-Z0-9_.-]", "-", alias)[:64], "when": {"model": alias}, "use": use}


def policy(kinds: List[str], routes: List[Dict[str, Any]], **sections: Any) -> Dict[str, Any]:
    """`to-KIND` asks that kind; more routes, sections and chains as given."""
    return {"version": 1, "providers": {kind: provider(kind) for kind in kinds},
            "routes": routes + [route("to-" + kind, "%s/%s" % (kind, MODELS[kind])) for kind in kinds],
            "callers": {"identify": [{"header": "x-team"}], "unknown": "allow"}, **sections}


class Table:
    """What a run found, one cell after the other; written when the run is over."""

    def __init__(self, name: str):
        self.path = ROOT / "build" / (name + ".json")
        self.cells: List[Dict[str, Any]] = []

    def add(self, cell: Dict[str, Any]) -> None:
        """The cell may change until the end of the run."""
        self.cells.append(cell)

    def write(self) -> None:
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(json.dumps(self.cells, ensure_ascii=False, indent=0), "utf-8")


def read(name: str) -> Optional[List[Dict[str, Any]]]:
    path: Path = ROOT / "build" / (name + ".json")
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def supported(gateway: Any, make: Any) -> Any:
    """A gateway with all kinds, and their names; what the module under test does not know yet is left out."""
    known, sections = list(PROVIDERS), {}
    for _ in range(2):
        try:
            return gateway(policy=dict(make(known), **sections)), known
        except Failed as failed:
            unknown = set(re.findall(r'providers\.(\w+)\.dialect: dialect "\w+" is not supported', str(failed)))
            sections = {"recovery": {}} if "recovery." in str(failed) else {}
            if not unknown and not sections:
                raise
            known = [kind for kind in known if kind not in unknown]
    raise AssertionError("unreachable: a policy without them was refused for the same reason")
