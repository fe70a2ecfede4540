"""A starlette app for uvicorn: what it saw, streams, events, uploads, WebSocket."""

import asyncio
import collections
import hashlib

from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute

_said = collections.defaultdict(asyncio.Event)


async def seen(request):
    digest, size, pieces = hashlib.sha256(), 0, 0
    async for piece in request.stream():
        digest.update(piece)
        size += len(piece)
        pieces += bool(piece)
    return JSONResponse({"method": request.method, "url": str(request.url), "headers": dict(request.headers), "size": size,
                         "sha256": digest.hexdigest(), "pieces": pieces})


async def events(request):
    """Ten events; each but the first waits until the visitor has said that it has the one before."""

    async def made():
        for n in range(10):
            yield f"id: {n}\ndata: event {n}\n\n"
            await _said[request.query_params["key"], n].wait()

    return StreamingResponse(made(), media_type="text/event-stream")


async def said(request):
    _said[request.query_params["key"], int(request.query_params["n"])].set()
    return JSONResponse({})


async def forward(request):
    return RedirectResponse(request.url_for("seen"))


async def echo(socket):
    await socket.accept(subprotocol="second")
    await socket.send_json({"url": str(socket.url)})
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("text") == "close":
            await socket.close(4000)
            return
        await socket.send({**message, "type": "websocket.send"})


app = Starlette(routes=[
    Route("/seen", seen, methods=["GET", "POST", "PUT", "DELETE", "PATCH"]), Route("/events", events), Route("/said", said), Route("/forward", forward),
    WebSocketRoute("/echo", echo)])
