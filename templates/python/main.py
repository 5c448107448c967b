"""A tally that anybody can add to. Each message runs this program afresh; what it leaves in files is its state."""

import json
import os
import sys

STATE = "/tally.json"


def load() -> dict:
    if not os.path.exists(STATE):
        return {"total": 0, "by": {}}
    with open(STATE, encoding="utf-8") as file:
        return json.load(file)


def save(state: dict) -> None:
    with open(STATE, "w", encoding="utf-8") as file:
        json.dump(state, file, sort_keys=True)


def answer(message: dict, state: dict) -> object:
    """Gives the reply to a message; changes of `state` are kept, unless this raises."""
    given = json.loads(message["data"]) if message["data"] else {}
    action = message["action"]
    if action == "add":
        amount = int(given.get("by", 1))
        if amount < 1:
            raise ValueError("expected at least 1")
        state["total"] += amount
        state["by"][message["from"]] = state["by"].get(message["from"], 0) + amount
        return state["total"]
    if action == "total":
        return state["total"]
    if action == "mine":
        return state["by"].get(message["from"], 0)
    raise ValueError(f"there is no {action!r} here")


def main() -> None:
    message = json.loads(sys.stdin.readline())
    state = load()
    if message["kind"] in ("message", "query"):
        print(json.dumps({"reply": answer(message, state)}))
    save(state)


main()
