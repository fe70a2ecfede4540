"""A page with many files: styles, scripts, modules that import each other, and pictures. No two are alike."""

import random
import struct
import zlib

EACH = 15  # of styles, scripts, modules, pictures


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(seed, size=64):
    """A PNG of `size` by `size` points by chance: nothing in it can be packed."""
    noise = random.Random(seed)
    rows = b"".join(b"\0" + noise.randbytes(size * 3) for _ in range(size))
    return (b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)) + _chunk(b"IDAT", zlib.compress(rows))
            + _chunk(b"IEND", b""))


def _filler(seed, size):
    return "/* " + random.Random(seed).randbytes(size // 2).hex() + " */\n"


def web_site():
    """The files as name -> bytes; `index.html` uses all others."""
    files = {}
    for n in range(EACH):
        files[f"style{n}.css"] = f":root {{ --style{n}: {n}; }}\n{_filler(f'c{n}', 1000 * n)}"
        files[f"script{n}.js"] = f"window.ran = [...(window.ran ?? []), 'script{n}'];\n{_filler(f's{n}', 3000 * n)}"
        following = f"import {{ sum as more }} from './module{n + 1}.mjs';\n" if n + 1 < EACH else "const more = 0;\n"
        files[f"module{n}.mjs"] = f"{following}export const sum = {n} + more;\n{_filler(f'm{n}', 500 * n)}"
    files = {name: text.encode() for name, text in files.items()}
    files |= {f"picture{n}.png": picture(n, 16 + 8 * n) for n in range(EACH)}
    lines = ["<!doctype html><html lang=en><meta charset=utf-8><title>Many files</title>", '<link rel="icon" href="data:,">']
    lines += [f'<link rel="stylesheet" href="style{n}.css">' for n in range(EACH)]
    lines += [f'<script src="script{n}.js" defer></script>' for n in range(EACH)]
    lines += ["<script type=module>import { sum } from './module0.mjs'; window.sum = sum;</script>", "<h1>Many files</h1>"]
    lines += [f'<img src="picture{n}.png" alt="picture {n}">' for n in range(EACH)]
    files["index.html"] = "\n".join(lines).encode()
    return files
