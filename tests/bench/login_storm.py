"""Tries to sign in so many times a second, each time as another account and from another address, for so long; prints a line of JSON.

The answers are not waited for before the next try is due, as with that many people. Connections are kept: what is measured beside the
storm is the work of signing in, not that of this program's TLS handshakes.
usage: login_storm.py EDGE.json RATE SECONDS"""

import collections
import json
import pathlib
import sys
import threading
import time
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from api_connection import ApiConnection  # noqa: E402


def main():
    described, rate, seconds = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")), int(sys.argv[2]), float(sys.argv[3])
    edge = types.SimpleNamespace(**described)
    statuses, times, lock = collections.Counter(), [], threading.Lock()

    # A try takes at most a few seconds (32 wait at once, beyond them it is refused at once), so each person tries every four seconds.
    people = 4 * rate
    begin = time.monotonic() + 1 + people / 300

    def person(number):
        with ApiConnection(edge, source=f"127.1.{number // 250}.{1 + number % 250}", limit=60) as api:
            due = begin + number / rate
            while due < begin + seconds:
                time.sleep(max(0.0, due - time.monotonic()))
                sent = time.monotonic()
                status, _ = api.call("POST", "/v1/auth/login", {"email": f"person{number}@example.com", "password": edge.password})
                with lock:
                    statuses[status] += 1
                    if status == 200:
                        times.append(time.monotonic() - sent)
                due += people / rate

    threads = [threading.Thread(target=person, args=(number,)) for number in range(people)]
    for thread in threads:
        thread.start()
    time.sleep(max(0.0, begin - time.monotonic()))
    print("begun", flush=True)
    for thread in threads:
        thread.join()
    times.sort()
    print(json.dumps({"tried": sum(statuses.values()), "statuses": statuses, "p50_ms": 1000 * times[len(times) // 2] if times else None,
                      "slowest_ms": 1000 * times[-1] if times else None}), flush=True)


if __name__ == "__main__":
    main()
