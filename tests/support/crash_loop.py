"""Kills `serve` while accounts and keys are made, rotated and revoked, and compares what it then knows with what it had answered.

Before a call is sent the ledger notes what it may do, after the answer what it did. A call whose answer never came may have taken effect
or not, but wholly either way; what a restarted service says about it is binding from then on."""

import random
import sqlite3
import subprocess
import threading
import time

from api_connection import ApiConnection, ConnectionDied
from process import clean_environment

NOBODY = "acc_anonymous"  # has the tunnels that were opened without an account

ORPHANS = {
    "an account without key": f"SELECT id FROM accounts a WHERE id <> '{NOBODY}' AND NOT EXISTS (SELECT 1 FROM api_keys k WHERE k.account_id = a.id)",
    "an account without owner": f"SELECT id FROM accounts a WHERE id <> '{NOBODY}' AND NOT EXISTS "
                                "(SELECT 1 FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.account_id = a.id)",
    "an account without usage": f"SELECT id FROM accounts WHERE id <> '{NOBODY}' AND id NOT IN (SELECT account_id FROM account_usage)",
    "a person without password": "SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM credentials WHERE kind = 'password')",
    "a rotated key without successor": "SELECT id FROM api_keys WHERE replaced_by IS NOT NULL AND replaced_by NOT IN (SELECT id FROM api_keys)",
    "two keys with one successor": "SELECT replaced_by FROM api_keys WHERE replaced_by IS NOT NULL GROUP BY replaced_by HAVING count(*) > 1",
    "a rotated key that goes on": "SELECT id FROM api_keys WHERE replaced_by IS NOT NULL AND revoked_at IS NULL",
    "a key beside the one it should have replaced": "SELECT name FROM api_keys WHERE revoked_at IS NULL AND name GLOB '[0-9]*-[0-9]*' "
                                                    "GROUP BY name HAVING count(*) > 1",
    "an account without its record": "SELECT email FROM users WHERE email NOT IN (SELECT target FROM audit WHERE action = 'account.registered')",
    "a record of no account": "SELECT target FROM audit WHERE action = 'account.registered' AND target NOT IN (SELECT email FROM users)",
    "a key that ended without a record": "SELECT id FROM api_keys WHERE revoked_at IS NOT NULL AND id NOT IN "
                                         "(SELECT target FROM audit WHERE action <> 'key.created')",
    "a record of no rotation": "SELECT target FROM audit WHERE action = 'key.rotated' AND target NOT IN "
                               "(SELECT id FROM api_keys WHERE replaced_by IS NOT NULL)",
}
SIGN_INS_AT_THE_END = 20


def crash_for(edge, seed, seconds):
    """Kills and compares for so long. `edge` is not started yet; afterwards it runs."""
    loop = CrashLoop(edge, seed)
    end, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        loop.round()
        loop.check()
        rounds += 1
    loop.check(at_the_end=True)
    print(f"seed {seed}, {rounds} kills, answered {loop.ledger.answered}, unanswered {loop.ledger.unanswered}")
    assert all(loop.ledger.answered.values()), loop.ledger.answered
    assert sum(loop.ledger.unanswered.values()) > rounds, "the kills hit nothing: this test would prove nothing"


class Ledger:
    """What was answered, and what was asked for without an answer. Keys by their text; True: works, False: refused, None: open."""

    def __init__(self):
        self._lock = threading.Lock()
        self.keys = {}
        self.replaced = {}   # key: id of its successor, as answered
        self.accounts = {}   # email: (password, whether it was answered)
        self.answered = {"register": 0, "create": 0, "rotate": 0, "revoke": 0, "logout": 0}
        self.unanswered = dict(self.answered)

    def asked(self, what, key=None, account=None):
        with self._lock:
            self.unanswered[what] += 1
            if key:
                self.keys[key] = None
            if account:
                self.accounts[account[0]] = (account[1], False)

    def done(self, what, key=None, works=True, dead=None, account=None, successor=None):
        with self._lock:
            self.unanswered[what] -= 1
            self.answered[what] += 1
            if account:
                self.accounts[account[0]] = (account[1], True)
            if dead:
                self.keys[dead] = False
            if key:
                self.keys[key] = works
            if successor:
                self.replaced[dead] = successor


class CrashLoop:
    def __init__(self, edge, seed):
        self.edge, self.ledger = edge, Ledger()
        self._chance = random.Random(seed)
        self._count = 0
        self._owners = []  # keys that hold every permission, of different accounts
        self._trouble = []
        edge.start()
        with ApiConnection(edge) as api:
            self._register(api, "first@example.com")

    def round(self):
        """Lets workers work, kills the service after a moment by chance, starts it again."""
        work = [self._register_again, self._register_again, self._look_after_keys, self._look_after_keys, self._look_after_keys]
        threads = []
        for job in work:
            self._count += 1
            threads.append(threading.Thread(target=self._until_it_dies, args=(job, self._count, random.Random(self._chance.random()))))
        for thread in threads:
            thread.start()
        time.sleep(self._chance.uniform(0.1, 0.8))
        self.edge.process.kill()
        for thread in threads:
            thread.join()
        assert not self._trouble, self._trouble
        self.edge.start()

    def check(self, at_the_end=False):
        """Compares keys and accounts with the ledger, then the store with itself. Signs in to accounts of which no answer told, at the
        end to some others too."""
        with ApiConnection(self.edge) as api:
            for key, works in self.ledger.keys.items():
                status, _ = api.call("GET", "/v1/auth/user", key=key)
                assert status in (200, 401), status
                if works is None:
                    self.ledger.keys[key] = status == 200
                else:
                    assert status == (200 if works else 401), f"a key that {'worked' if works else 'was refused'} gives {status} after the crash"
        self._check_store()
        self._check_accounts()
        if at_the_end:
            self._check_audit()
            for email in self._chance.sample(sorted(self.ledger.accounts), min(SIGN_INS_AT_THE_END, len(self.ledger.accounts))):
                self._sign_in(email, self.ledger.accounts[email][0])

    # -- work

    def _until_it_dies(self, job, number, chance):
        try:
            with ApiConnection(self.edge, source=f"127.{number // 250 % 250}.{number % 250}.1") as api:
                for turn in range(1_000_000):
                    job(api, f"{number}-{turn}", chance)
        except ConnectionDied:
            pass
        except AssertionError as unexpected:
            self._trouble.append(str(unexpected))

    def _register(self, api, email):
        password = "correct horse " + email
        self.ledger.asked("register", account=(email, password))
        status, body = api.call("POST", "/v1/auth/register", {"email": email, "password": password})
        assert status == 201, body
        self.ledger.done("register", key=body["api_key"], account=(email, password))
        self._owners.append(body["api_key"])

    def _register_again(self, api, name, _):
        self._register(api, f"user-{name}@example.com")

    def _look_after_keys(self, api, name, chance):
        owner = chance.choice(self._owners)
        self.ledger.asked("create")
        status, made = api.call("POST", "/v1/auth/keys", {"name": name, "permissions": ["tunnels:read"]}, owner)
        if status == 403 and "keys already" in made["message"]:
            # A fast machine fills an account; the next one takes its place.
            self.ledger.done("create")
            self._owners = [one for one in self._owners if one != owner] or self._owners
            return self._register(api, f"next-{name}@example.com")
        assert status == 201, made
        self.ledger.done("create", key=made["key"])
        fate = chance.choice(["keep", "revoke", "rotate", "rotate", "logout"])
        if fate == "revoke":
            self._end("revoke", made["key"], api, "DELETE", f"/v1/auth/keys/{made['id']}", owner)
        elif fate == "logout":
            self._end("logout", made["key"], api, "POST", "/v1/auth/logout", made["key"])
        elif fate == "rotate":
            self.ledger.asked("rotate", key=made["key"])
            status, rotated = api.call("POST", f"/v1/auth/keys/{made['id']}/rotate", {}, owner)
            assert status == 201, rotated
            self.ledger.done("rotate", key=rotated["key"], dead=made["key"], successor=rotated["id"])

    def _end(self, what, key, api, method, path, caller):
        self.ledger.asked(what, key=key)
        status, _ = api.call(method, path, None, caller)
        assert status == 204, status
        self.ledger.done(what, key=key, works=False)

    # -- checks

    def _store(self):
        return sqlite3.connect(f"file:{self.edge.data}/instatunnel.db?mode=ro", uri=True, timeout=10)

    def _check_store(self):
        store = self._store()
        try:
            assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert store.execute("PRAGMA foreign_key_check").fetchall() == []
            for what, query in ORPHANS.items():
                assert store.execute(query).fetchall() == [], what
            known = {row[0] for row in store.execute("SELECT id FROM api_keys")}
            assert set(self.ledger.replaced.values()) <= known
        finally:
            store.close()

    def _check_audit(self):
        """The chain of all records holds, and nothing was answered before it was in the log."""
        program = [self.edge.binary, "admin", "audit"]
        done = subprocess.run([*program, "verify", "--data", self.edge.data], capture_output=True, encoding="utf-8", timeout=60, check=False,
                              env=clean_environment(self.edge.home))
        assert done.returncode == 0, done

    def _check_accounts(self):
        store = self._store()
        emails = {row[0] for row in store.execute("SELECT email FROM users")}
        store.close()
        for email, (password, answered) in list(self.ledger.accounts.items()):
            if answered:
                assert email in emails, f"{email} was acknowledged and is gone"
            if not answered and email not in emails:
                del self.ledger.accounts[email]
            elif not answered:
                self._sign_in(email, password)

    def _sign_in(self, email, password):
        with ApiConnection(self.edge) as api:
            status, body = api.call("POST", "/v1/auth/login", {"email": email, "password": password})
            if status == 403 and "keys already" in body["message"]:
                self.ledger.accounts[email] = (password, True)
                return  # a fast machine has filled the account: told to none but who knows the password
            assert status == 200, body
            status, user = api.call("GET", "/v1/auth/user", key=body["api_key"])
            assert status == 200 and user["email"] == email, user
        self.ledger.keys[body["api_key"]] = True
        self.ledger.accounts[email] = (password, True)
