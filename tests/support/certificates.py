"""Certificates made at run time with the openssl program."""

import pathlib
import subprocess


def self_signed(folder, name="localhost", stem="cert", names=None):
    """A P-256 certificate that is its own authority, for `name` and everything in `names`. Returns (certificate, key)."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = folder / f"{stem}.pem", folder / f"{stem}-key.pem"
    alternatives = [f"DNS:{n}" for n in [name] + list(names or [])] + ["IP:127.0.0.1", "IP:::1"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName={','.join(alternatives)}",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )
    key.chmod(0o600)
    return certificate, key


class Authority:
    """A certificate authority of a test's own; `pem` is its certificate."""

    _CONFIG = """
[ca]
default_ca = own
[own]
database = {dir}/index
new_certs_dir = {dir}
serial = {dir}/serial
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
"""

    def __init__(self, folder, name="Test Authority"):
        self._folder = pathlib.Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self.pem, self._key, self._conf = self._folder / "ca.pem", self._folder / "ca-key.pem", self._folder / "ca.conf"
        self._run("req", "-x509", *self._NEW_KEY, "-days", "3650", "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE",
                  "-keyout", self._key, "-out", self.pem)
        self._conf.write_text(self._CONFIG.format(dir=self._folder), encoding="ascii")
        (self._folder / "index").write_text("", encoding="ascii")
        (self._folder / "serial").write_text("1000\n", encoding="ascii")

    _NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

    @staticmethod
    def _run(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    def sign(self, name, start="20200101000000Z", end="20400101000000Z"):
        """(certificate, key) for a DNS name, valid between two times as OpenSSL writes them."""
        request, certificate, key = (self._folder / f"{name}-{start}-{end}.{kind}" for kind in ("csr", "pem", "key"))
        self._run("req", "-new", *self._NEW_KEY, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", request)
        self._run("ca", "-batch", "-config", self._conf, "-cert", self.pem, "-keyfile", self._key, "-startdate", start, "-enddate", end,
                  "-notext", "-in", request, "-out", certificate)
        key.chmod(0o600)
        return certificate, key
