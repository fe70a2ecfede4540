"""A generator reads the description from the running edge and calls each operation in valid and invalid ways."""

import collections
import os

from api_generator import ApiGenerator

SEED = int(os.environ.get("INSTATUNNEL_API_SEED", "1"))
SECONDS = float(os.environ.get("INSTATUNNEL_API_SECONDS", "25"))


def test_no_call_fails_the_service_or_is_answered_in_a_way_that_is_not_described(new_edge):
    edge = new_edge(("--dev", "--invites-per-account", "1000000")).start()
    made = ApiGenerator(edge, SEED).run(SECONDS)
    print(f"{made.calls} calls with seed {made.seed}: {dict(sum(made.seen.values(), collections.Counter()))}")
    assert not made.problems, "\n".join(made.problems[:20]) + f"\n{len(made.problems)} problems in {made.calls} calls"
    assert edge.call("GET", "/v1/health").status == 200
    for method, path, operation in made.description.operations():
        example = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example", {})
        if {"token", "current", "code"} & example.keys() or path.startswith("/oauth/grants/"):
            continue  # takes a link out of a mail, a password, or what a person allowed an app: a guess is never right
        seen = made.seen[f"{method} {path}"]
        good = int(next(iter(operation["responses"])))
        assert good in seen, f"{method} {path} was never answered with {good}: {dict(seen)}"
