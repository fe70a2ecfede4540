"""Rows written straight into a service's data store: states that its API cannot make, or not quickly."""

import ctypes
import datetime
import functools
import hashlib
import hmac
import os
import pathlib
import sqlite3

_ARGON2_OK = 0


def microseconds(text):
    """The store's form of an RFC 3339 time with Z."""
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)
    return int(moment.timestamp()) * 1_000_000


@functools.cache
def argon2id(password):
    """The hash the service would store: 64 MiB, three passes, one lane. Computed once for each password."""
    library = ctypes.CDLL("libargon2.so.1")
    plain, salt, encoded = password.encode(), os.urandom(16), ctypes.create_string_buffer(256)
    size = ctypes.c_size_t
    code = library.argon2id_hash_encoded(
        ctypes.c_uint32(3), ctypes.c_uint32(65536), ctypes.c_uint32(1), plain, size(len(plain)), salt, size(len(salt)), size(32), encoded,
        size(len(encoded)))
    assert code == _ARGON2_OK, code
    return encoded.value.decode()


class StoreRows:
    """Writes in one transaction: `with StoreRows(edge.data) as rows: …`. The store must have been made by the program; it may run."""

    def __init__(self, folder):
        self._folder = pathlib.Path(folder)

    def __enter__(self):
        self._pepper = (self._folder / "pepper.key").read_text(encoding="ascii").strip().encode()
        self._db = sqlite3.connect(self._folder / "instatunnel.db", timeout=10, isolation_level=None)
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.execute("BEGIN IMMEDIATE")
        return self

    def __exit__(self, kind, *_):
        self._db.execute("ROLLBACK" if kind else "COMMIT")
        self._db.close()

    def digest(self, key):
        return hmac.new(self._pepper, key.encode(), hashlib.sha256).digest()

    def account(self, number, email, name, created, password_hash=None, plan="pro"):
        """An account with its owner: ids acc_NUMBER and user_NUMBER. `created` in microseconds, `password_hash` as argon2id() gives it."""
        run = self._db.execute
        run("INSERT INTO accounts(id, name, plan, created_at) VALUES (?, ?, ?, ?)", (f"acc_{number}", name, plan, created))
        run("INSERT INTO users(id, email, name, created_at) VALUES (?, ?, ?, ?)", (f"user_{number}", email, name, created))
        run("INSERT INTO memberships(account_id, user_id, role) VALUES (?, ?, 'owner')", (f"acc_{number}", f"user_{number}"))
        run("INSERT INTO account_usage(account_id) VALUES (?)", (f"acc_{number}",))
        if password_hash:
            run("INSERT INTO credentials(user_id, kind, data, updated_at) VALUES (?, 'password', ?, ?)",
                (f"user_{number}", password_hash, created))

    def usage(self, number, tunnels_created, requests, transferred):
        """What the account has used so far; `transferred` in bytes."""
        self._db.execute("UPDATE account_usage SET tunnels_created = ?, requests = ?, bytes_in = 0, bytes_out = ? WHERE account_id = ?",
                         (tunnels_created, requests, transferred, f"acc_{number}"))

    def key(self, key_id, number, name, key, scopes, created, last_used=None):
        """A key of account NUMBER; `key` is the whole key, of which only its digest and its end are stored."""
        self._db.execute(
            "INSERT INTO api_keys(id, account_id, user_id, name, digest, tail, scopes, created_at, last_used_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (key_id, f"acc_{number}", f"user_{number}", name, self.digest(key), key[-3:], " ".join(scopes), created, last_used))

    def expire(self, key_id, at):
        """The key is valid until then."""
        self._db.execute("UPDATE api_keys SET expires_at = ? WHERE id = ?", (at, key_id))
