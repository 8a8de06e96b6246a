"""A policy with every kind of provider, each reached by a model's name, and the tables that whole runs leave behind."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, List, Optional

from harness import ROOT

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


def policy(routes: List[Dict[str, Any]], providers: Optional[Dict[str, Any]] = None, **sections: Any) -> Dict[str, Any]:
    """`to-KIND` asks that kind; more routes and sections as given."""
    return {"version": 1, "providers": providers or {kind: provider(kind) for kind in MODELS},
            "routes": routes + [route("to-" + kind, "%s/%s" % (kind, model)) for kind, model in MODELS.items()],
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
