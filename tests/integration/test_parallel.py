"""A thousand requests at once."""

import asyncio
import ssl
import threading

from local_apps import HttpApp


async def request(context, t, path, method="GET", body=b""):
    reader, writer = await asyncio.open_connection("127.0.0.1", t.edge.port, ssl=context, server_hostname=t.host)
    try:
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: {t.host}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await reader.read()
    finally:
        writer.close()
    return answer


def run_all(t, jobs):
    context = ssl.create_default_context(cafile=str(t.edge.cacert))

    async def main():
        return await asyncio.wait_for(asyncio.gather(*(request(context, t, *job) for job in jobs)), 120)

    return asyncio.run(main())


class Gathering(HttpApp):
    """Answers /gather only when 500 of them are there."""

    def __init__(self, **arguments):
        self.gathered, self.all_here = 0, threading.Event()
        super().__init__(**arguments)

    def on_gather(self, connection, _):
        with self._lock:
            self.gathered += 1
            if self.gathered == 500:
                self.all_here.set()
        self._send(connection, 200 if self.all_here.wait(90) else 500, b"all here")


def test_1000_requests_in_parallel_each_get_their_own_answer(tunnel, new_app):
    app = new_app(Gathering)
    t = tunnel(app.port)
    answers = run_all(t, [(f"/gather?n={n}",) if n % 2 else (f"/echo/{n}", "POST", b"b" * n) for n in range(1000)])
    for number, answer in enumerate(answers):
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), (number, answer[:300])
        if number % 2:
            assert body == b"all here"
        else:
            assert f'"target": "/echo/{number}"'.encode() in body and f'"size": {number},'.encode() in body
    assert len(app.seen) == 1000
    assert app.most_in_flight >= 500


def test_many_tunnels_on_one_edge_do_not_mix(tunnel, new_app):
    apps = [new_app() for _ in range(8)]
    tunnels = [tunnel(app.port) for app in apps]
    for turn in range(3):
        for app, t in zip(apps, tunnels):
            before = len(app.seen)
            assert t.get(f"/turn/{turn}").json()["target"] == f"/turn/{turn}"
            assert len(app.seen) == before + 1


def test_kept_connections_to_the_app_are_reused(tunnel, app):
    t = tunnel(app.port)
    for _ in range(30):
        assert t.get("/status/200").status == 200
    assert app.connections <= 3, f"{app.connections} connections for 30 requests one after the other"
