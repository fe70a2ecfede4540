"""A browser without JavaScript: keeps cookies, follows redirects of the service's own origin, fills in forms and sends them."""

import html.parser
import http.client
import urllib.parse

from api_description import description_of
import secret_watch
from visitor import Reply, tls_connection

_MOST_REDIRECTS = 10


class Form:
    """`fields`: what is sent if nothing is filled in, (name, value) in order. `buttons`: (name, value, text)."""

    def __init__(self, method, action):
        self.method, self.action = method.upper(), action
        self.fields, self.buttons, self.boxes = [], [], []

    def value(self, name):
        return dict(self.fields).get(name)

    def filled(self, button=None, **values):
        """The pairs that a browser sends; a value of None leaves the field out, a list sends it more than once."""
        pairs = [(n, v) for n, v in self.fields if n not in values]
        for name, value in values.items():
            several = value if isinstance(value, list) else [] if value is None else [value]
            pairs += [(name, v) for v in several]
        if button:
            name, value, _ = next(b for b in self.buttons if button in (b[1], b[2]))
            pairs += [(name, value)] if name else []
        return pairs


class _Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms, self.links, self.codes = [], [], []
        self.texts = {"h1": "", "title": "", "problem": "", "notice": ""}
        self._form, self._select, self._into, self._button = None, None, None, None

    def handle_starttag(self, tag, attrs):
        has = dict(attrs)
        if tag == "form":
            self._form = Form(has.get("method", "get"), has.get("action", ""))
            self.forms.append(self._form)
        elif tag == "input" and self._form is not None:
            self._input(has)
        elif tag == "select" and self._form is not None:
            self._select = has["name"]
        elif tag == "option" and self._select:
            self._form.fields.append((self._select, has.get("value", "")))
            self._select = None  # the first one is chosen
        elif tag == "button" and self._form is not None:
            self._button = [has.get("name"), has.get("value", ""), ""]
        elif tag == "a" and "href" in has:
            self.links.append(has["href"])
        elif tag == "code":
            self.codes.append("")
            self._into = "code"
        elif tag in ("h1", "title"):
            self._into = tag
        elif tag == "p" and has.get("role") in ("alert", "status"):
            self._into = "problem" if has["role"] == "alert" else "notice"

    def _input(self, has):
        pair = (has.get("name"), has.get("value", ""))
        if has.get("type") == "checkbox":
            self._form.boxes.append(pair)
            if "checked" not in has:
                return
        self._form.fields.append(pair)

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        elif tag == "button" and self._button:
            self._form.buttons.append(tuple(self._button))
            self._button = None
        elif tag in ("h1", "title", "p", "code"):
            self._into = None

    def handle_data(self, data):
        if self._button:
            self._button[2] += data
        elif self._into == "code":
            self.codes[-1] += data
        elif self._into:
            self.texts[self._into] += data


class Page:
    """What the browser shows. `location`: where it was sent to, if that is not the service's own origin."""

    def __init__(self, url, reply, location=None):
        self.url, self.reply, self.status, self.location = url, reply, reply.status, location
        self.path = urllib.parse.urlsplit(url).path
        reader = _Reader()
        reader.feed(reply.text)
        self.forms, self.links, self.codes = reader.forms, reader.links, reader.codes
        self.heading, self.title = reader.texts["h1"], reader.texts["title"]
        self.problem, self.notice = reader.texts["problem"], reader.texts["notice"]

    def form(self, action):
        """The first form whose action begins with `action`."""
        return next(f for f in self.forms if f.action.startswith(action))

    def __repr__(self):
        return f"Page({self.url}, {self.status}, {self.heading!r}, problem {self.problem!r}, location {self.location!r})"


class FormBrowser:
    """One browser of one person."""

    def __init__(self, edge):
        self.edge = edge
        self.origin = edge.api
        self.host = urllib.parse.urlsplit(edge.api).hostname
        self.cookies = {}
        self.set_cookies = []  # as they came

    def request(self, method, target, body=None, headers=None):
        """One request and its answer, without following it. A header of None is left out."""
        fields = {"User-Agent": "FormBrowser/1.0", "Cookie": "; ".join(f"{n}={v}" for n, v in self.cookies.items()) or None}
        if method == "POST":
            fields |= {"Origin": self.origin, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
        fields |= headers or {}
        connection = http.client.HTTPConnection(self.host, self.edge.port)
        connection.sock = tls_connection(self.edge.port, self.host, self.edge.cacert)
        try:
            connection.request(method, target, body, {n: v for n, v in fields.items() if v is not None})
            answer = connection.getresponse()
            reply = Reply(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()
        secret_watch.add_from_text(reply.text + (reply.header("Location") or ""))
        self._check(method, target, reply)
        self._keep_cookies(reply)
        return reply

    def _check(self, method, target, reply):
        """A call of the API answers as described. Pages are not in the description: each is HTML, or leads to one."""
        description = description_of(self.edge.binary)
        if description.find(method, target):
            return description.check(method, target, reply)
        if reply.status == 303:
            assert reply.header("Location") and reply.body == b"", reply
        else:
            assert reply.header("Content-Type") == "text/html; charset=utf-8" and reply.text.startswith("<!doctype html>"), reply

    def _keep_cookies(self, reply):
        for line in reply.all("Set-Cookie"):
            self.set_cookies.append(line)
            name, _, value = line.partition(";")[0].partition("=")
            if "max-age=0" in line.lower():
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
                secret_watch.add(value)

    def _follow(self, url, reply):
        for _ in range(_MOST_REDIRECTS):
            if reply.status not in (301, 302, 303, 307, 308):
                return Page(url, reply)
            url = urllib.parse.urljoin(url, reply.header("Location"))
            if not url.startswith(self.origin + "/"):
                return Page(url, reply, url)
            reply = self.request("GET", url[len(self.origin):])
        raise AssertionError(f"more than {_MOST_REDIRECTS} redirects, the last to {url}")

    def open(self, address):
        """Goes to a path or URL of the service."""
        url = urllib.parse.urljoin(self.origin, address)
        assert url.startswith(self.origin + "/"), url
        return self._follow(url, self.request("GET", url[len(self.origin):]))

    def send(self, action, pairs, headers=None):
        """Sends a form's pairs and follows the answer."""
        body = urllib.parse.urlencode(list(pairs))
        return self._follow(urllib.parse.urljoin(self.origin, action), self.request("POST", action, body, headers))

    def submit(self, page, action, button=None, headers=None, **values):
        """Fills in the form of `page` whose action begins with `action`, and sends it."""
        form = page.form(action)
        return self.send(form.action, form.filled(button, **values), headers)

    def sign_in(self, account, address="/account"):
        """Opens a page that asks for the sign-in, and signs in; returns the page behind it."""
        page = self.open(address)
        assert page.path == "/sign-in", page
        return self.submit(page, "/sign-in", email=account.email, password=account.password)
