"""A mail server on loopback (aiosmtpd) that keeps what it is given."""

import re
import ssl
import threading

import secret_watch
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from ports import free_port
from process import wait_until

TOKEN = re.compile(r"https://\S+/auth/(reset|verify)\?token=([A-Za-z0-9]{43})")


class Mail:
    """One mail as it arrived: envelope and text."""

    def __init__(self, envelope, tls, user):
        self.sender, self.recipients = envelope.mail_from, list(envelope.rcpt_tos)
        self.raw = envelope.content.decode("ascii")
        self.head, _, self.text = self.raw.partition("\r\n\r\n")
        self.tls, self.user = tls, user
        secret_watch.add(*(token for _, token in TOKEN.findall(self.text)))

    def field(self, name):
        values = [line.partition(": ")[2] for line in self.head.split("\r\n") if line.lower().startswith(name.lower() + ":")]
        assert len(values) == 1, (name, self.head)
        return values[0]

    @property
    def link(self):
        found = TOKEN.search(self.text)
        assert found, self.text
        return found.group(0)

    @property
    def token(self):
        return TOKEN.search(self.text).group(2)


class MailServer:
    """`certificate` makes it speak TLS: at once with `implicit`, else by STARTTLS, which it then insists on. `credentials` (user, password)
    makes it ask for them. `answers`: replies to the next mails instead of taking them."""

    def __init__(self, certificate=None, implicit=False, credentials=None):
        self.mails, self.answers, self.tries, self._lock = [], [], 0, threading.Lock()
        self._credentials, self._implicit = credentials, implicit
        context = None
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*certificate)
        self.port = free_port()
        starttls = context is not None and not implicit
        owner = self

        class Server(Controller):
            def factory(self):
                return SMTP(
                    owner, tls_context=context if starttls else None, require_starttls=starttls, hostname="mail.localhost",
                    authenticator=owner._authenticate if credentials else None, auth_required=bool(credentials),
                    auth_require_tls=context is not None and not implicit)

        self._controller = Server(self, hostname="127.0.0.1", port=self.port, ssl_context=context if implicit else None)
        self._controller.start()

    def _authenticate(self, _server, _session, _envelope, _mechanism, data):
        right = isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == self._credentials
        return AuthResult(success=right, handled=right, auth_data=data.login if right else None)

    async def handle_DATA(self, _server, session, envelope):  # pylint: disable=invalid-name
        with self._lock:
            self.tries += 1
            if self.answers:
                return self.answers.pop(0)
            user = session.auth_data.decode() if session.authenticated else None
            self.mails.append(Mail(envelope, self._implicit or session.ssl is not None, user))
        return "250 OK"

    def stop(self):
        if self._controller:
            self._controller.stop()
            self._controller = None

    def wait(self, count=1, limit=20):
        """The `count`-th mail."""
        return wait_until(lambda: self.mails[count - 1] if len(self.mails) >= count else None, limit, lambda: f"mail {count}; have {len(self.mails)}")

    def newest(self, to, count=1):
        """The newest mail to `to`, once there are `count`."""
        def found():
            mine = [m for m in self.mails if m.recipients == [to]]
            return mine[-1] if len(mine) >= count else None
        return wait_until(found, 20, lambda: f"{count} mails to {to}")
