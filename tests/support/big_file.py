"""Large files that no compression or repetition makes easier."""

import hashlib
import subprocess


def big_file(path, size):
    """Writes `size` bytes to `path`; returns their SHA-256 in hex."""
    digest, left = hashlib.sha256(), size
    with open(path, "wb") as out, subprocess.Popen(
            ["openssl", "enc", "-aes-128-ctr", "-K", "00112233445566778899aabbccddeeff", "-iv", "0" * 32, "-in", "/dev/zero"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as source:
        while left:
            part = source.stdout.read(min(left, 1 << 20))
            digest.update(part)
            out.write(part)
            left -= len(part)
        source.stdout.close()
    return digest.hexdigest()
