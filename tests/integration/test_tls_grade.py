"""The judgement of testssl.sh on an edge as it is by default: nothing worse than informational."""

import json
import os
import re
import subprocess

import pytest

from edge import Edge

# What follows from the authority that a dev edge makes for itself, and from nothing else: its certificates name no place to ask whether they were revoked.
OF_THE_OWN_AUTHORITY = {"cert_revocation"}
LONG = os.environ.get("INSTATUNNEL_TLS_CHECKS") == "all"
# Protocols, ciphers by category, keys and certificate, fields of the base page, and the cheap ones of the known vulnerabilities.
SHORT_SET = ["-p", "-s", "-S", "-h", "-H", "-I", "-T", "-C"]


@pytest.fixture(scope="module")
def edge(binary, tmp_path_factory):
    running = Edge(binary, tmp_path_factory.mktemp("tls"), ("--dev", "--domain", "t.example.com")).start()
    yield running
    running.stop(limit=5)


def findings(edge, folder, checks):
    out = folder / "findings.json"
    done = subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none", "--add-ca", edge.cacert, "--ip", "127.0.0.1", "--jsonfile", out, *checks,
                           f"{edge.domain}:{edge.port}"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=500, check=False)
    assert out.exists(), done
    return json.loads(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", out.read_text(encoding="utf-8")))


def test_testssl_finds_nothing_worse_than_informational(edge, folder):
    found = findings(edge, folder, [] if LONG else SHORT_SET)
    ids = {finding["id"] for finding in found}
    assert {"TLS1_3", "TLS1_2", "SSLv2", "cert_chain_of_trust", "heartbleed", "HSTS_time"} <= ids and len(found) > 40, sorted(ids)
    bad = [f for f in found if f["severity"] in ("LOW", "MEDIUM", "HIGH", "CRITICAL") and f["id"] not in OF_THE_OWN_AUTHORITY]
    assert bad == [], "\n".join(f"{f['severity']} {f['id']}: {f['finding']}" for f in bad)
