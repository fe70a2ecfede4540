"""slowhttptest against a tunnel of an edge on loopback."""

from process import Process

# Only this process sees the name of the tunnel in its /etc/hosts.
AS_HOST = 'mount --bind "$0" /etc/hosts && exec "$@"'
MODES = {
    "slow heads": ["-H", "-t", "GET"],
    "slow bodies": ["-B", "-s", "100000"],
    "slow readers": ["-X", "-w", "10", "-y", "20", "-n", "1", "-z", "32", "-k", "3"],
}


def start(folder, t, mode, path="/", connections=200, limit=30):
    """Starts so many attackers, who send or read a little every second for at most `limit` seconds."""
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {t.host}\n", encoding="ascii")
    return Process("slowhttptest", ["unshare", "-m", "sh", "-c", AS_HOST, hosts, "slowhttptest", "-c", connections, "-r", connections, "-i", "1", "-l", limit, "-p", "3",
                                    *MODES[mode], "-u", t.url.rstrip("/") + path], folder, cwd=folder)
