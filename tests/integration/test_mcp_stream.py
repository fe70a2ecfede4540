"""A call of an MCP tool that says something now and then, for a minute; with `--long` for an hour."""

import os
import time

from mcp_apps import McpApp, mcp_visit

SECONDS = int(os.environ.get("INSTATUNNEL_MCP_SECONDS", "60"))


def test_a_call_may_take_as_long_as_it_takes(tunnel, folder):
    app = McpApp("http", folder)
    try:
        t = tunnel(app.port, "--mcp")
        began = time.monotonic()
        found = mcp_visit(t, folder, "ticks", limit=SECONDS + 60, count=4, every=SECONDS * 250)
        assert found["events"] == 4 and time.monotonic() - began >= SECONDS
    finally:
        app.stop()
