"""SECURITY.md names tests: each of them exists."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def test_every_test_that_the_security_document_names_exists():
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    python = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "tests/integration").glob("test_*.py"))
    cpp = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "tests/unit").rglob("*.cpp"))
    cpp = re.sub(r'"\s*\n\s*"', "", cpp)
    named = re.findall(r"`(test_[a-z0-9_]+)`", text)
    sentences = [s for line in text.splitlines() for part in re.findall(r'unit ("[^`|]*")', line) for s in re.findall(r'"([^"]+)"', part)]
    assert len(named) > 20 and len(sentences) > 20
    assert [n for n in named if f"def {n}(" not in python] == []
    assert [s for s in sentences if f'"{s}"' not in cpp] == []
