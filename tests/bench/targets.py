"""What is compared: the origin, and the ways to it. Each starts its own processes on free loopback ports."""

import os
import pathlib
import socket
import ssl
import subprocess
import sys
import time

from certificates import self_signed
from ports import accepts, free_port
from process import Process, clean_environment, wait_until

NAME = "bench.localhost"
ORIGIN_NGINX = """
daemon off; pid {dir}/origin.pid; error_log stderr error; worker_processes 2;
events {{ worker_connections 16384; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_timeout 600s; keepalive_requests 100000000; client_max_body_size 0;
  client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
  upstream sink {{ server unix:{dir}/sink.sock; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096; root {dir}/www;
    location /upload {{ proxy_pass http://sink; proxy_http_version 1.1; proxy_set_header Connection "";
                        proxy_request_buffering off; client_body_buffer_size 512k; }}
  }}
}}
"""
HOP_NGINX = """
daemon off; pid {dir}/hop.pid; error_log stderr error; worker_processes 1;
events {{ worker_connections 16384; }}
http {{
  access_log off; tcp_nodelay on; keepalive_timeout 600s; keepalive_requests 100000000; client_max_body_size 0;
  client_body_temp_path {dir}/h1; proxy_temp_path {dir}/h2; fastcgi_temp_path {dir}/h3; uwsgi_temp_path {dir}/h4; scgi_temp_path {dir}/h5;
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096; ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;
    location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
                  proxy_buffers 8 64k; proxy_buffer_size 64k; proxy_busy_buffers_size 128k; proxy_max_temp_file_size 0;
                  proxy_request_buffering off; client_body_buffer_size 512k; }}
  }}
}}
"""
HAPROXY = """
global
  nbthread 1
  maxconn 8000
  ssl-server-verify none
  tune.ssl.default-dh-param 2048
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  http-reuse always
frontend in
  bind 127.0.0.1:{port} ssl crt {pem}
  default_backend out
backend out
  server next 127.0.0.1:{next} {tls} pool-max-conn 256
"""
SSHD = """
Port {port}
ListenAddress 127.0.0.1
HostKey {dir}/host_key
AuthorizedKeysFile {dir}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
AllowTcpForwarding yes
"""


def write(path, text):
    path = pathlib.Path(path)
    path.write_text(text, encoding="utf-8")
    return path


class Origin:
    """nginx with a 1 KiB and a 1 GiB file in memory, and a sink for uploads."""

    def __init__(self, folder, big_bytes):
        www = folder / "www"
        www.mkdir(parents=True)
        www.chmod(0o755)
        (www / "1k.bin").write_bytes(os.urandom(1024))
        self.big = www / "big.bin"
        chunk = os.urandom(1 << 20)
        with open(self.big, "wb") as f:
            for _ in range(big_bytes >> 20):
                f.write(chunk)
        for path in (folder, www):
            path.chmod(0o755)
        self.port = free_port()
        self._sink = Process("sink", [sys.executable, pathlib.Path(__file__).parent / "sink.py", folder / "sink.sock"], folder)
        wait_until((folder / "sink.sock").exists, 10, "upload sink")
        (folder / "sink.sock").chmod(0o666)
        config = write(folder / "origin.conf", ORIGIN_NGINX.format(dir=folder, port=self.port))
        self._nginx = Process("origin", ["nginx", "-c", config], folder)
        wait_until(lambda: accepts(self.port), 10, lambda: self._nginx.report())

    def stop(self):
        self._nginx.stop()
        self._sink.stop()


class Target:
    """One way to the origin. `edge` is what visitors connect to, `client` what runs beside the origin, if anything does."""

    name = ""
    note = ""
    tls = True
    host = NAME

    def __init__(self, folder, origin):
        self.folder, self.origin = folder, origin
        self.port = free_port()
        self.edge, self.client = [], []

    def edge_pids(self):
        return [p.pid for p in self.edge]

    def client_pids(self):
        return [p.pid for p in self.client]

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    def start(self):
        raise NotImplementedError

    def start_client(self):
        """Starts the part beside the origin; returns seconds until it said that it is ready, or None if it never says so."""
        return None

    def has_client(self):
        return bool(self.client)

    def stop_client(self):
        for process in self.client:
            process.stop()
        self.client = []

    def stop(self):
        self.stop_client()
        for process in self.edge:
            process.stop()
        self.edge = []

    def connect(self):
        """A visitor's connection, with the TLS handshake done."""
        s = socket.create_connection(("127.0.0.1", self.port), 10)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self.tls:
            return s
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(s, server_hostname=self.host)

    def get(self, connection):
        """One small request on that connection; its status."""
        connection.sendall(f"GET /1k.bin HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n\r\n".encode())
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                raise OSError("closed")
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        while status == 200 and len(body) < 1024:
            body += connection.recv(65536)
        return status

    def answers(self):
        try:
            with self.connect() as connection:
                return self.get(connection) == 200
        except OSError:
            return False

    def wait_ok(self, limit=20, every=0.005):
        wait_until(self.answers, limit, lambda: "".join(p.report() for p in self.edge + self.client), every)


class Direct(Target):
    name, note, tls = "direct", "no proxy, no TLS", False

    def start(self):
        self.port = self.origin.port


class NginxHop(Target):
    name, note = "nginx-tls", "one hop: TLS to nginx, plain to the origin, 64 kept connections"

    def start(self):
        cert, key = self_signed(self.folder, NAME)
        config = write(self.folder / "hop.conf", HOP_NGINX.format(dir=self.folder, port=self.port, origin=self.origin.port, cert=cert, key=key))
        self.edge = [Process("nginx-hop", ["nginx", "-c", config], self.folder)]
        self.wait_ok()


class HaproxyPair(Target):
    name, note = "haproxy-x2", "two hops: TLS to HAProxy, TLS to a second one, plain to the origin"

    def start(self):
        cert, key = self_signed(self.folder, NAME)
        pem = write(self.folder / "both.pem", cert.read_text() + key.read_text())
        inner = free_port()
        second = write(self.folder / "second.cfg", HAPROXY.format(port=inner, pem=pem, next=self.origin.port, tls=""))
        first = write(self.folder / "first.cfg", HAPROXY.format(port=self.port, pem=pem, next=inner, tls="ssl"))
        self.client = [Process("haproxy-second", ["haproxy", "-db", "-f", second], self.folder)]
        wait_until(lambda: accepts(inner), 10, lambda: self.client[0].report())
        self.edge = [Process("haproxy-first", ["haproxy", "-db", "-f", first], self.folder)]
        self.wait_ok()

    def has_client(self):
        return False


class SshReverse(Target):
    name, note, tls = "ssh -R", "visitors plain (no TLS), the tunnel is SSH", False

    def start(self):
        for key in ("host_key", "user_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / key], check=True)
        if os.geteuid() == 0:
            pathlib.Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.ssh_port = free_port()
        config = write(self.folder / "sshd.conf", SSHD.format(dir=self.folder, port=self.ssh_port))
        self.edge = [Process("sshd", ["/usr/sbin/sshd", "-D", "-e", "-f", config], self.folder)]
        wait_until(lambda: accepts(self.ssh_port), 10, lambda: self.edge[0].report())
        self.start_client()
        self.wait_ok()

    def start_client(self):
        self.client = [Process("ssh", [
            "ssh", "-F", "none", "-N", "-T", "-p", self.ssh_port, "-i", self.folder / "user_key", "-o", "IdentitiesOnly=yes",
            "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ExitOnForwardFailure=yes", "-o", "LogLevel=ERROR",
            "-R", f"127.0.0.1:{self.port}:127.0.0.1:{self.origin.port}", "127.0.0.1"], self.folder)]
        return None


class Ours(Target):
    name, note = "instatunnel", "TLS to the edge, TLS to the client, plain to the origin"
    binary = ""

    def start(self):
        self.env = clean_environment(self.folder)
        self.edge = [Process("edge", [self.binary, "serve", "--dev", "--listen", f"127.0.0.1:{self.port}", "--data", self.folder / "data", "--json"],
                             self.folder, env=self.env)]
        self.ready = self.edge[0].wait_event("serve.ready")
        self.start_client()
        self.wait_ok()

    def start_client(self):
        start = time.monotonic()
        self.client = [Process("client", [
            self.binary, f"127.0.0.1:{self.origin.port}", "--subdomain", NAME.split(".", maxsplit=1)[0], "--json", "--quiet",
            "--server", self.ready["api"],
            "--cacert", self.ready["cacert"]], self.folder, env=dict(self.env, INSTATUNNEL_API_KEY=self.ready["api_key"]))]
        out = self.client[0].out_path
        wait_until(lambda: '"tunnel.ready"' in out.read_text(encoding="utf-8"), 15, lambda: self.client[0].report(), every=0.002)
        return time.monotonic() - start


