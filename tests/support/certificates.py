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
