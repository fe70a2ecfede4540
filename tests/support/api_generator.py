"""Calls a running edge in every way its own description suggests, and looks for answers that the description does not."""

import collections
import json
import random
import ssl
import time

from api_cases import Call, Cases
from api_description import ApiDescription
from visitor import RawVisitor, curl, tls_connection

# A method that no server knows and forms of HTTP that ours does not speak may be answered so; nothing else is a 5xx.
NOT_SPOKEN = (501, 505)
CALLS_OF_AN_ACCOUNT = 1000
FEWEST_CALLS = 500


class Caller(RawVisitor):
    """A connection to the API from a loopback address of one's own: limits count by address."""

    def __init__(self, edge, source):  # pylint: disable=super-init-not-called
        self.host = f"api.{edge.domain}"
        self.socket = tls_connection(edge.port, self.host, edge.cacert, source=source)
        self._data = b""

    def ask(self, call, key):
        try:
            self.send(call.bytes(self.host, key))
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            pass  # an answer may come before all of a large body was taken
        return self.reply("HEAD" if call.method == "HEAD" else call.method)


class World:
    """An account, keys that can more and less, and the ids of what exists in it."""

    _caller = None

    def __init__(self, edge, dice):
        self._edge, self._dice = edge, dice
        self._ids, self._names, self._hosts = collections.defaultdict(list), [], []
        self._narrow = {}
        self.account, self.other_key = edge.register(), edge.register().key
        self.key = self.account.key
        self._own = self._ask("GET", "/v1/auth/user", self.key).json()
        # Not by signing in, which takes long.
        spare = self._ask("POST", "/v1/auth/keys", self.key, {"name": "spare", "permissions": self._own["permissions"]}).json()
        self._spare, self._kept = spare["key"], {spare["id"], self._own["key"]["id"]}
        for number in range(3):
            for path, body in (("/v1/auth/keys", {"name": f"k{number}", "permissions": ["tunnels:read"]}), ("/v1/tunnels", {})):
                self.learn(self._ask("POST", path, self.key, body).json())

    def _ask(self, method, path, key=None, body=None):
        """A call of our own; curl would take longer to start than the edge to answer."""
        fields = [("Authorization", f"Bearer {key}")] if key else []
        call = Call(method, path, fields, None if body is None else json.dumps(body).encode())
        try:
            self._caller = self._caller or Caller(self._edge, "127.0.0.1")
            reply = self._caller.ask(call, key)
        except (EOFError, OSError):
            self._caller = Caller(self._edge, "127.0.0.1")
            reply = self._caller.ask(call, key)
        return reply

    def find(self, example):
        """Something that exists and has an id (without "_" a name, with a dot a host) like `example`, else the example itself."""
        known = self._ids[example.split("_")[0]] if "_" in example else self._hosts if "." in example else self._names
        return self._dice.choice(known) if known and self._dice.random() < 0.9 else example

    def learn(self, value):
        """Remembers the ids and names in an answer."""
        if isinstance(value, dict):
            if "host" in value and "name" in value:
                self._names = [value["name"]] + self._names[:19]
                self._hosts = [value["host"]] + self._hosts[:19]
            one = value.get("id")
            if isinstance(one, str) and "_" in one and one not in self._kept:
                self._ids[one.split("_")[0]] = [one] + self._ids[one.split("_")[0]][:19]
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
            self.learn(part)

    def key_without(self, scope):
        if scope not in self._narrow:
            held = [s for s in self._own["permissions"] if s != scope]
            self._narrow[scope] = self._ask("POST", "/v1/auth/keys", self.key, {"name": "narrow", "permissions": held}).json()["key"]
        return self._narrow[scope]

    def renew_key(self):
        """Takes another key if this one was revoked, as some operations do; False if the account lets nobody in any more."""
        if self._ask("GET", "/v1/auth/user", self.key).status == 200:
            return True
        reply = self._ask("POST", "/v1/auth/keys", self._spare, {"name": "next", "permissions": self._own["permissions"]})
        if reply.status == 201:
            self.key = reply.json()["key"]
            self._kept.add(reply.json()["id"])
        return reply.status == 201


class ApiGenerator:
    """`problems` is what was found, `seen` the statuses of each operation, `calls` how many were made."""

    def __init__(self, edge, seed):
        self._edge, self._dice, self.seed = edge, random.Random(seed), seed
        self.description = ApiDescription(curl(edge.api + "/v1/openapi.json", edge.cacert).json())
        self.calls, self.problems, self.seen = 0, [], collections.defaultdict(collections.Counter)
        self._caller = self._world = None

    def run(self, seconds):
        """Every operation once as described, then all other calls in an order of the seed's, again and again until the time is over; never fewer
        than FEWEST_CALLS."""
        ends = time.monotonic() + seconds
        self._plain_calls()
        while True:
            self._settle()
            for method, path, call in self._mixed()[:CALLS_OF_AN_ACCOUNT]:
                if self.calls >= FEWEST_CALLS and time.monotonic() > ends:
                    return self
                self._make(method, path, call)

    def _mixed(self):
        """All calls of all operations, which take turns: those with many members must not crowd out the others, and those that hash
        passwords, which takes long, come less often."""
        turns = []
        for method, path, operation in self.description.operations():
            cases = [(method, path, call) for call in self._cases().all(method, path, operation)]
            self._dice.shuffle(cases)
            pace = 4 if "password" in (self._cases().body_of(operation) or {}) else 1
            turns += [((turn + self._dice.random()) * pace, case) for turn, case in enumerate(cases)]
        return [case for _, case in sorted(turns, key=lambda one: one[0])]

    def _settle(self):
        self._world = World(self._edge, self._dice)
        self._caller = None

    def _cases(self):
        return Cases(self.description, self._world, self._dice)

    def _plain_calls(self):
        self._settle()
        for method, path, operation in self.description.operations():
            for known in (False, True):
                self._make(method, path, self._cases().plain(method, path, operation, known))

    def _make(self, method, path, call):
        # Once in a while another address and connection: limits of sign-in would end it soon for one alone.
        if self._caller is None or self._dice.random() < 0.2:
            if self._caller:
                self._caller.socket.close()
            self._caller = Caller(self._edge, f"127.{self._dice.randrange(1, 255)}.{self._dice.randrange(256)}.{self._dice.randrange(1, 255)}")
        caller = self._caller
        try:
            reply = caller.ask(call, self._world.key)
        except (EOFError, OSError, ValueError) as error:
            self._caller = None
            self._note(call, f"no answer: {error!r}")
            return
        if (reply.header("Connection") or "").lower() == "close":
            caller.socket.close()
            self._caller = None
        self._judge(method, path, call, reply)

    def _judge(self, method, path, call, reply):
        self.calls += 1
        if call.method == method:
            self.seen[f"{method} {path}"][reply.status] += 1
        for problem in self.description.problems(call.method, call.target.split("#")[0], reply):
            self._note(call, problem, reply)
        if reply.status >= 500 and reply.status not in NOT_SPOKEN:
            self._note(call, "a failure of the service", reply)
        if call.expect == "refusal" and not 400 <= reply.status < 500 and reply.status not in NOT_SPOKEN:
            self._note(call, "this had to be refused", reply)
        if call.has_good_key() and (reply.status == 401 or call.method != "GET") and not self._world.renew_key():
            self._settle()
        if reply.header("Content-Type") == "application/json" and reply.body and reply.status < 300:
            self._world.learn(json.loads(reply.body))

    def _note(self, call, problem, reply=None):
        self.problems.append(f"seed {self.seed}: {problem}\n  {call}\n  {reply}")
