"""A WebSocket app on loopback, by python3-websockets."""

import asyncio
import threading

import websockets

from ports import free_port


class WebSocketApp:
    """An echo server by python3-websockets in its own thread."""

    def __init__(self):
        self.port = free_port()
        self.origins = []
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()

        async def echo(socket, path):
            self.origins.append((path, dict(socket.request_headers)))
            if path == "/bye":
                await socket.close(4001, "because")
                return
            async for message in socket:
                await socket.send(message)

        async def main():
            self._stop = self._loop.create_future()
            async with websockets.serve(echo, "127.0.0.1", self.port, max_size=None, subprotocols=["chat.v2"]):
                ready.set()
                await self._stop

        threading.Thread(target=lambda: self._loop.run_until_complete(main()), daemon=True).start()
        assert ready.wait(10)

    def stop(self):
        self._loop.call_soon_threadsafe(self._stop.set_result, None)
