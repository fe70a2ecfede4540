"""Reads QR codes that were drawn with half blocks, as a phone would: through a picture and zbar."""

import pathlib
import re
import subprocess
import tempfile

GLYPHS = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), " ": (0, 0)}


def drawn_codes(text):
    """The runs of lines of `text` that are nothing but blocks, without colours."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r", "").split("\n")
    runs, run = [], []
    for line in plain + ["end"]:
        if len(line) > 20 and set(line) <= set(GLYPHS):
            run.append(line)
        elif run:
            runs.append(run)
            run = []
    return runs


def read_qr(lines, light=255, dark=0, scale=4):
    """What zbar reads in the drawing; a full block is `light`."""
    rows = []
    for line in lines:
        for half in (0, 1):
            row = bytes(light if GLYPHS[glyph][half] else dark for glyph in line for _ in range(scale))
            rows += [row] * scale
    with tempfile.TemporaryDirectory() as folder:
        picture = pathlib.Path(folder) / "code.pgm"
        picture.write_bytes(b"P5 %d %d 255\n" % (len(rows[0]), len(rows)) + b"".join(rows))
        done = subprocess.run(["zbarimg", "-q", "--raw", str(picture)], capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.strip()
