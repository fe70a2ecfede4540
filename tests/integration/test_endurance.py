"""Minutes of mixed load while parts are killed: no wrong answer, no growth, and everything is back at the end."""

import concurrent.futures
import hashlib
import pathlib
import random
import re
import time

from edge import Tunnel
from local_apps import HttpApp
from process import wait_until
from visitor import curl

SEED = 20240601


def resident(process):
    return int(re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")).group(1)) * 1024


def one_request(t, number, body_file, body_hash):
    """Status of one request; fails if a successful answer is not exactly the right one."""
    if number % 3 == 0:
        reply = curl(f"{t.url}/echo/{number}", t.edge.cacert, "--max-time", "20", "-T", body_file)
        if reply.status == 200 and reply.exit_code == 0:
            assert (reply.json()["target"], reply.json()["sha256"]) == (f"/echo/{number}", body_hash)
    elif number % 3 == 1:
        reply = curl(f"{t.url}/chunks?n=200&number={number}", t.edge.cacert, "--max-time", "20")
        if reply.status == 200 and reply.exit_code == 0:
            assert ("X-Checksum", hashlib.sha256(reply.body).hexdigest()) in reply.trailers and len(reply.body) == 200_000
    else:
        reply = curl(f"{t.url}/status/418?number={number}", t.edge.cacert, "--max-time", "20")
        if reply.exit_code == 0 and reply.status == 418:
            assert reply.text == "status 418"
            return 200
    return reply.status if reply.exit_code == 0 else 0


def load(t, seconds, body_file, body_hash, first=0):
    """Eight visitors at once for some time; how many requests succeeded and how many did not."""
    end, good, bad = time.monotonic() + seconds, 0, 0
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        number = first
        while time.monotonic() < end:
            for status in pool.map(lambda n: one_request(t, n, body_file, body_hash), range(number, number + 40)):
                good, bad = (good + 1, bad) if status == 200 else (good, bad + 1)
            number += 40
    return good, bad


def body(folder):
    content = random.Random(SEED).randbytes(500_000)
    (folder / "body").write_bytes(content)
    return folder / "body", hashlib.sha256(content).hexdigest()


def test_steady_load_loses_nothing_and_memory_does_not_grow(tunnel, app, folder):
    t = tunnel(app.port, "--quiet")
    body_file, body_hash = body(folder)
    load(t, 20, body_file, body_hash)
    before = resident(t.edge.process), resident(t.process)
    good, bad = load(t, 90, body_file, body_hash)
    assert bad == 0 and good > 500, (good, bad)
    after = resident(t.edge.process), resident(t.process)
    for name, old, new in zip(("edge", "client"), before, after):
        assert new < old + (8 << 20), f"{name} grew from {old} to {new} bytes"


def test_killing_parts_at_random_never_gives_a_wrong_answer(new_edge, new_cli, new_app, folder):
    edge = new_edge().start()
    cli = new_cli(edge)
    app = new_app(HttpApp)
    port = app.port
    t = Tunnel(cli, port, name="battered")
    body_file, body_hash = body(folder)
    dice = random.Random(SEED)
    good = 0
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        for turn in range(15):
            running = pool.submit(load, t, 4, body_file, body_hash, turn * 100_000)
            time.sleep(dice.uniform(0.2, 2))
            victim = dice.choice(["edge", "client", "app"])
            if victim == "edge":
                edge.process.kill()
                edge.start()
            elif victim == "client":
                t.process.kill()
                t = Tunnel(cli, port, name="battered")
            else:
                app.stop()
                app = new_app(HttpApp, port=port)
            good += running.result()[0]
            wait_until(lambda: t.answers("/status/200"), 10, lambda v=victim: f"answer after the {v} was killed in turn {turn}")
    assert good > 100
    t.process.kill()
