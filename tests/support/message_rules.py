"""A checklist of RFC 9112, section by section: bytes that a visitor or an app sends, and what the other side must get of them.

In bytes, {host} is the tunnel's name and {port} the edge's port."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Row:
    """A message of a visitor.

    `visitor`: the status that it gets (0: none), and whether what follows on the connection is then served (`goes_on`).
    `app`: the one message that the app gets for it, byte for byte; None: not a byte. Of a message that is refused in its body the app gets the head,
    and no byte beyond `app`."""

    section: str
    rule: str
    sent: bytes
    visitor: int
    app: bytes = None
    goes_on: bool = False

    def __str__(self):
        return f"{self.section} {self.rule}"


@dataclasses.dataclass(frozen=True)
class Reply:
    """A message of an app, which then closes.

    `visitor`: what the visitor of `method` and `version` gets, byte for byte; or the status of the edge's own answer; or (bytes, status) of both; or
    (bytes,) of a reply that is cut, of which no more than these come."""

    section: str
    rule: str
    sent: bytes
    visitor: object
    method: str = "GET"
    version: str = "1.1"

    def __str__(self):
        return f"{self.section} {self.rule}"


FORWARDED = (b"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: {authority}\r\nX-Forwarded-Port: {port}\r\n"
             b"Forwarded: for=127.0.0.1;host=\"{authority}\";proto=https\r\n")


def seen(line, *fields, body=b"", authority=b"{host}"):
    """What the app sees: the request line, Host, the visitor's fields, ours, then how long the body is, and the body."""
    length = b""
    if isinstance(body, tuple):  # chunked: (data, trailer lines)
        data, trailers = body
        length = b"Transfer-Encoding: chunked\r\n"
        body = (b"%x\r\n%s\r\n" % (len(data), data) if data else b"") + b"0\r\n" + trailers + b"\r\n"
    elif body or line.startswith(b"POST"):
        length = b"Content-Length: %d\r\n" % len(body)
    head = b"".join(field + b"\r\n" for field in (b"Host: " + authority, *fields))
    return line + b" HTTP/1.1\r\n" + head + FORWARDED.replace(b"{authority}", authority) + length + b"\r\n" + body


def get(*lines, start=b"GET / HTTP/1.1"):
    return b"\r\n".join([start, b"Host: {host}", *lines, b"", b""])


def post(*lines, body=b"", start=b"POST / HTTP/1.1"):
    return get(*lines, start=start) + body


def chunked(body):
    return post(b"Transfer-Encoding: chunked", body=body)


ROOT = seen(b"GET /")
HALF = seen(b"POST /", body=(b"", b""))[:-5]  # a chunked message of which nothing of the body came
ABC = seen(b"POST /", body=(b"abc", b""))
CUT = ABC[:-5]

REQUESTS = [
    # --- 2 Message --------------------------------------------------------------------------------------------------------
    Row("2.2", "an empty line before the request is skipped", b"\r\n" + get(), 200, ROOT, True),
    Row("2.2", "two empty lines before it are not", b"\r\n\r\n" + get(), 400),
    Row("2.2", "a bare LF before it is not", b"\n" + get(), 400),
    Row("2.2", "bare LF as every line end", get().replace(b"\r\n", b"\n"), 400),
    Row("2.2", "bare LF behind the request line", get().replace(b"\r\n", b"\n", 1), 400),
    Row("2.2", "bare LF behind a field", get(b"X-A: 1\nX-B: 2"), 400),
    Row("2.2", "bare LF as the empty line", get()[:-2] + b"\n", 400),
    Row("2.2", "bare CR in a value", get(b"X-A: 1\rX-B: 2"), 400),
    Row("2.2", "bare CR in a name", get(b"X\rA: 1"), 400),
    Row("2.2", "bare CR behind a value", get(b"X-A: 1\r"), 400),
    Row("2.2", "bare CR in the request line", get(start=b"GET /\r HTTP/1.1"), 400),
    Row("2.2", "two CR before the LF", get(b"X-A: 1\r").replace(b"\r\r\n", b"\r\r\n"), 400),
    Row("2.2", "blanks before the first field", b"GET / HTTP/1.1\r\n Host: {host}\r\n\r\n", 400),
    Row("2.2", "a tab before the first field", b"GET / HTTP/1.1\r\n\tX: y\r\nHost: {host}\r\n\r\n", 400),
    Row("2.2", "blanks and an empty line before the fields", b"GET / HTTP/1.1\r\n \r\nHost: {host}\r\n\r\n", 400),
    Row("2.2", "another protocol (SSH)", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 400),
    Row("2.2", "another protocol (binary)", bytes(range(128, 256)) + b"\r\n\r\n", 400),
    Row("2.2", "TLS inside of TLS", b"\x16\x03\x01\x00\x05hello\r\n\r\n", 400),
    Row("2.3", "HTTP/1.0 is served", get(start=b"GET / HTTP/1.0"), 200, ROOT),
    Row("2.3", "HTTP/0.9", b"GET /\r\n\r\n", 400),
    Row("2.3", "HTTP/0.9 with a Host", b"GET /\r\nHost: {host}\r\n\r\n", 400),
    Row("2.3", "HTTP/1.2", get(start=b"GET / HTTP/1.2"), 505),
    Row("2.3", "HTTP/2.0", get(start=b"GET / HTTP/2.0"), 505),
    Row("2.3", "HTTP/3.7", get(start=b"GET / HTTP/3.7"), 505),
    Row("2.3", "HTTP/0.9 by name", get(start=b"GET / HTTP/0.9"), 505),
    Row("2.3", "the preface of HTTP/2 in HTTP/1.1", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    Row("2.3", "the name in lower case", get(start=b"GET / http/1.1"), 400),
    Row("2.3", "two digits", get(start=b"GET / HTTP/1.10"), 400),
    Row("2.3", "a leading zero", get(start=b"GET / HTTP/01.1"), 400),
    Row("2.3", "no minor number", get(start=b"GET / HTTP/1"), 400),
    Row("2.3", "a sign", get(start=b"GET / HTTP/+1.1"), 400),
    Row("2.3", "a blank inside", get(start=b"GET / HTTP/1. 1"), 400),
    Row("2.3", "another name", get(start=b"GET / XTTP/1.1"), 400),
    # --- 3 Request line ---------------------------------------------------------------------------------------------------
    Row("3", "two blanks before the target", get(start=b"GET  / HTTP/1.1"), 400),
    Row("3", "two blanks behind the target", get(start=b"GET /  HTTP/1.1"), 400),
    Row("3", "a blank before the method", get(start=b" GET / HTTP/1.1"), 400),
    Row("3", "a blank behind the version", get(start=b"GET / HTTP/1.1 "), 400),
    Row("3", "tabs between the parts", get(start=b"GET\t/\tHTTP/1.1"), 400),
    Row("3", "a vertical tab between the parts", get(start=b"GET\x0b/ HTTP/1.1"), 400),
    Row("3", "a form feed between the parts", get(start=b"GET /\x0cHTTP/1.1"), 400),
    Row("3", "a fourth part", get(start=b"GET / HTTP/1.1 HTTP/1.1"), 400),
    Row("3", "longer than 16 KiB", get(start=b"GET /" + b"a" * 20_000 + b" HTTP/1.1"), 414),
    Row("3.1", "an unknown method is the app's affair", get(start=b"BREW / HTTP/1.1"), 200, seen(b"BREW /"), True),
    Row("3.1", "methods are case-sensitive", get(start=b"get / HTTP/1.1"), 200, seen(b"get /"), True),
    Row("3.1", "a method that is no token", get(start=b"G(T / HTTP/1.1"), 400),
    Row("3.1", "a method with a NUL", get(start=b"GE\0T / HTTP/1.1"), 400),
    Row("3.1", "a method beyond ASCII", get(start=b"G\xc3\x8bT / HTTP/1.1"), 400),
    Row("3.1", "no method", get(start=b"/ HTTP/1.1"), 400),
    Row("3.1", "a method longer than 255 bytes", get(start=b"A" * 300 + b" / HTTP/1.1"), 501),
    Row("3.2", "a blank in the target", get(start=b"GET /a b HTTP/1.1"), 400),
    Row("3.2", "a fragment in the target", get(start=b"GET /a#b HTTP/1.1"), 400),
    Row("3.2", "a NUL in the target", get(start=b"GET /a\0b HTTP/1.1"), 400),
    Row("3.2", "DEL in the target", get(start=b"GET /\x7f HTTP/1.1"), 400),
    Row("3.2", "UTF-8 in the target", get(start=b"GET /\xc3\xa9 HTTP/1.1"), 400),
    Row("3.2", "bytes that are no UTF-8 in the target", get(start=b"GET /\xff\xfe HTTP/1.1"), 400),
    Row("3.2", "no target", get(start=b"GET HTTP/1.1"), 400),
    Row("3.2", "no Host", b"GET / HTTP/1.1\r\n\r\n", 400),
    Row("3.2", "two Host lines", get(b"Host: {host}"), 400),
    Row("3.2", "two different Host lines", get(b"Host: api.localhost"), 400),
    Row("3.2", "a second Host in another case", get(b"hOST: api.localhost"), 400),
    Row("3.2", "a Host with a blank before its colon beside the right one", get(b"Host : api.localhost"), 400),
    Row("3.2", "an empty Host", b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    Row("3.2", "a list in Host", b"GET / HTTP/1.1\r\nHost: {host}, api.localhost\r\n\r\n", 400),
    Row("3.2", "a path in Host", b"GET / HTTP/1.1\r\nHost: {host}/x\r\n\r\n", 400),
    Row("3.2", "user information in Host", b"GET / HTTP/1.1\r\nHost: a@{host}\r\n\r\n", 400),
    Row("3.2", "a URL in Host", b"GET / HTTP/1.1\r\nHost: https://{host}\r\n\r\n", 400),
    Row("3.2", "a port that is no number", b"GET / HTTP/1.1\r\nHost: {host}:x\r\n\r\n", 400),
    Row("3.2", "a sign in the port", b"GET / HTTP/1.1\r\nHost: {host}:+443\r\n\r\n", 400),
    Row("3.2", "a port of six digits", b"GET / HTTP/1.1\r\nHost: {host}:000443\r\n\r\n", 400),
    Row("3.2", "a blank inside of Host", b"GET / HTTP/1.1\r\nHost: {host} x\r\n\r\n", 400),
    Row("3.2", "percent signs in Host", b"GET / HTTP/1.1\r\nHost: %76ictim.localhost\r\n\r\n", 400),
    Row("3.2", "bytes beyond ASCII in Host", b"GET / HTTP/1.1\r\nHost: v\xc3\xadctim.localhost\r\n\r\n", 400),
    Row("3.2", "a backslash in Host", b"GET / HTTP/1.1\r\nHost: {host}\\@api.localhost\r\n\r\n", 400),
    Row("3.2", "a Host of another certificate", b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", 421),
    Row("3.2", "an address that is none of ours", b"GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", 421),
    Row("3.2", "Host in HTTP/1.0 is not required, but then nothing is there", b"GET / HTTP/1.0\r\n\r\n", 421),
    Row("3.2", "the name of Host in any case", b"GET / HTTP/1.1\r\nhOsT: {host}\r\n\r\n", 200, ROOT, True),
    Row("3.2", "Host with the port", b"GET / HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n", 200, seen(b"GET /", authority=b"{host}:{port}"), True),
    Row("3.2.1", "a path that does not begin with a slash", get(start=b"GET x HTTP/1.1"), 400),
    Row("3.2.1", "only a query", get(start=b"GET ?x HTTP/1.1"), 400),
    Row("3.2.1", "path and query stay as they are", get(start=b"GET //a%2F../b;c?d=%00&?e HTTP/1.1"), 200, seen(b"GET //a%2F../b;c?d=%00&?e"), True),
    Row("3.2.2", "an absolute target", get(start=b"GET http://{host}/abs?x=1 HTTP/1.1"), 200, seen(b"GET /abs?x=1"), True),
    Row("3.2.2", "an absolute target without a path", get(start=b"GET https://{host} HTTP/1.1"), 200, ROOT, True),
    Row("3.2.2", "the authority of the target wins over Host", b"GET http://{host}/ HTTP/1.1\r\nHost: api.localhost\r\n\r\n", 200, ROOT, True),
    Row("3.2.2", "an absolute target for another host", get(start=b"GET http://example.com/ HTTP/1.1"), 421),
    Row("3.2.2", "an absolute target does not replace Host", b"GET http://{host}/ HTTP/1.1\r\n\r\n", 400),
    Row("3.2.2", "user information in the target", get(start=b"GET http://a@{host}/ HTTP/1.1"), 400),
    Row("3.2.2", "an empty authority", get(start=b"GET http:///x HTTP/1.1"), 400),
    Row("3.2.2", "another scheme", get(start=b"GET ftp://{host}/ HTTP/1.1"), 400),
    Row("3.2.2", "a scheme without slashes", get(start=b"GET http:/x HTTP/1.1"), 400),
    Row("3.2.2", "a query without a path", get(start=b"GET http://{host}?x HTTP/1.1"), 400),
    Row("3.2.3", "CONNECT", get(start=b"CONNECT {host}:443 HTTP/1.1"), 501),
    Row("3.2.3", "CONNECT with a path", get(start=b"CONNECT /x HTTP/1.1"), 501),
    Row("3.2.3", "an authority without CONNECT", get(start=b"GET {host}:443 HTTP/1.1"), 400),
    Row("3.2.4", "OPTIONS *", get(start=b"OPTIONS * HTTP/1.1"), 200, seen(b"OPTIONS *"), True),
    Row("3.2.4", "OPTIONS of a URL without a path", get(start=b"OPTIONS http://{host} HTTP/1.1"), 200, seen(b"OPTIONS *"), True),
    Row("3.2.4", "* with another method", get(start=b"GET * HTTP/1.1"), 400),
    Row("3.2.4", "more than a *", get(start=b"OPTIONS *x HTTP/1.1"), 400),
    # --- 5 Field syntax ---------------------------------------------------------------------------------------------------
    Row("5", "a line without a colon", get(b"nonsense"), 400),
    Row("5", "an empty name", get(b": 1"), 400),
    Row("5", "a blank in a name", get(b"X y: 1"), 400),
    Row("5", "a name that is no token", get(b"X(a): 1"), 400),
    Row("5", "a NUL in a name", get(b"X\0A: 1"), 400),
    Row("5", "a name beyond ASCII", get(b"X-\xc3\xa9: 1"), 400),
    Row("5", "a NUL in a value", get(b"X-A: a\0b"), 400),
    Row("5", "a control byte in a value", get(b"X-A: a\x01b"), 400),
    Row("5", "an escape in a value", get(b"X-A: \x1b[2J"), 400),
    Row("5", "DEL in a value", get(b"X-A: a\x7fb"), 400),
    Row("5", "bytes that are no UTF-8 in a value stay as they are", get(b"X-A: \xff\xc3"), 200, seen(b"GET /", b"X-A: \xff\xc3"), True),
    Row("5", "an empty value", get(b"X-A:"), 200, seen(b"GET /", b"X-A: "), True),
    Row("5", "blanks around a value are none of it", get(b"X-A: \t b \t"), 200, seen(b"GET /", b"X-A: b"), True),
    Row("5", "a field line longer than 16 KiB", get(b"X-A: " + b"a" * 20_000), 431),
    Row("5", "a field name longer than 255 bytes", get(b"X" * 300 + b": 1"), 431),
    Row("5", "more than 100 fields", get(*[b"X-%d: 1" % i for i in range(200)]), 431),
    Row("5", "a head longer than 64 KiB", get(*[b"X-%d: %s" % (i, b"a" * 5000) for i in range(30)]), 431),
    Row("5.1", "a blank before the colon of a length", post(b"Content-Length : 4", body=b"abcd"), 400),
    Row("5.1", "a tab before the colon", post(b"Transfer-Encoding\t: chunked", body=b"0\r\n\r\n"), 400),
    Row("5.1", "a blank before the colon of any field", get(b"X-A : 1"), 400),
    Row("5.2", "a folded line", get(b"X-A: 1", b" folded"), 400),
    Row("5.2", "a line folded with a tab", get(b"X-A: 1", b"\tfolded"), 400),
    Row("5.2", "a folded Transfer-Encoding", post(b"Transfer-Encoding:", b" chunked", body=b"0\r\n\r\n"), 400),
    Row("5.2", "a folded Host", b"GET / HTTP/1.1\r\nHost:\r\n {host}\r\n\r\n", 400),
    Row("5.2", "a line of blanks alone", get(b"X-A: 1", b" "), 400),
    # --- 6 Message body ---------------------------------------------------------------------------------------------------
    Row("6.1", "TE.CL: Transfer-Encoding, then Content-Length", post(b"Transfer-Encoding: chunked", b"Content-Length: 4", body=b"0\r\n\r\n"), 400),
    Row("6.1", "CL.TE: Content-Length, then Transfer-Encoding", post(b"Content-Length: 4", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    Row("6.1", "Content-Length: 0 beside Transfer-Encoding", post(b"Content-Length: 0", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
    Row("6.1", "both, chunked behind a tab", post(b"Content-Length: 4", b"Transfer-Encoding:\tchunked", body=b"0\r\n\r\n"), 400),
    Row("6.1", "both in HTTP/1.0", post(b"Content-Length: 4", b"Transfer-Encoding: chunked", start=b"POST / HTTP/1.0"), 400),
    Row("6.1", "a coding that is not chunked", post(b"Transfer-Encoding: gzip"), 501),
    Row("6.1", "identity", post(b"Transfer-Encoding: identity"), 501),
    Row("6.1", "a coding before chunked, which we cannot undo", post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), 501),
    Row("6.1", "chunked that is not last", post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"), 501),
    Row("6.1", "chunked twice in a line", post(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"), 501),
    Row("6.1", "TE.TE: chunked in two lines", post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 501),
    Row("6.1", "TE.TE: chunked and another one", post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: x", body=b"0\r\n\r\n"), 501),
    Row("6.1", "TE.TE: another one and chunked", post(b"Transfer-Encoding: x", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 501),
    Row("6.1", "TE.TE: a misspelt chunked", post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), 501),
    Row("6.1", "TE.TE: chunked in quotes", post(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"), 501),
    Row("6.1", "TE.TE: chunked with a parameter", post(b"Transfer-Encoding: chunked;q=1", body=b"0\r\n\r\n"), 501),
    Row("6.1", "TE.TE: chunked behind a comma", post(b"Transfer-Encoding: ,chunked", body=b"0\r\n\r\n"), 501),
    Row("6.1", "TE.TE: chunked behind a vertical tab", post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"), 400),
    Row("6.1", "TE.TE: chunked with a NUL", post(b"Transfer-Encoding: chunked\0", body=b"0\r\n\r\n"), 400),
    Row("6.1", "TE.TE: the name with an underscore is another field", post(b"Transfer_Encoding: chunked"), 200, seen(b"POST /", b"Transfer_Encoding: chunked"), True),
    Row("6.1", "an empty Transfer-Encoding", post(b"Transfer-Encoding:", body=b"0\r\n\r\n"), 501),
    Row("6.1", "Transfer-Encoding in HTTP/1.0", post(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n", start=b"POST / HTTP/1.0"), 400),
    Row("6.1", "codings are case-insensitive", post(b"Transfer-Encoding: CHUNKED", body=b"3\r\nabc\r\n0\r\n\r\n"), 200, ABC, True),
    Row("6.2", "two different lengths", post(b"Content-Length: 4", b"Content-Length: 5", body=b"abcde"), 400),
    Row("6.2", "two equal lengths", post(b"Content-Length: 3", b"Content-Length: 3", body=b"abc"), 400),
    Row("6.2", "a list of different lengths", post(b"Content-Length: 4, 5", body=b"abcde"), 400),
    Row("6.2", "a list of equal lengths", post(b"Content-Length: 3, 3", body=b"abc"), 400),
    Row("6.2", "a sign", post(b"Content-Length: +4", body=b"abcd"), 400),
    Row("6.2", "a negative one", post(b"Content-Length: -4", body=b"abcd"), 400),
    Row("6.2", "a hexadecimal one", post(b"Content-Length: 0x4", body=b"abcd"), 400),
    Row("6.2", "a fraction", post(b"Content-Length: 4.0", body=b"abcd"), 400),
    Row("6.2", "an exponent", post(b"Content-Length: 1e1", body=b"abcd"), 400),
    Row("6.2", "a blank inside", post(b"Content-Length: 1 0", body=b"abcd"), 400),
    Row("6.2", "one that overflows 64 bits", post(b"Content-Length: 18446744073709551617"), 400),
    Row("6.2", "one of many digits", post(b"Content-Length: " + b"9" * 4000), 400),
    Row("6.2", "an empty one", post(b"Content-Length:"), 400),
    Row("6.2", "digits of another script", post("Content-Length: ٣".encode(), body=b"abc"), 400),
    Row("6.2", "leading zeros are a number", post(b"Content-Length: 0003", body=b"abc"), 200, seen(b"POST /", body=b"abc"), True),
    Row("6.3", "a length", post(b"Content-Length: 3", body=b"abc"), 200, seen(b"POST /", body=b"abc"), True),
    Row("6.3", "a GET with a length has a body", post(b"Content-Length: 3", body=b"abc", start=b"GET / HTTP/1.1"), 200, seen(b"GET /", body=b"abc"), True),
    Row("6.3", "neither length nor coding: no body", post(), 200, seen(b"POST /"), True),
    Row("6.3", "a whole request inside of a body stays a body", post(b"Content-Length: 36", body=b"GET /inner HTTP/1.1\r\nHost: localhost\r\n\r\n"[:36]),
        200, seen(b"POST /", body=b"GET /inner HTTP/1.1\r\nHost: localhost\r\n\r\n"[:36]), True),
    # --- 7 Transfer codings -----------------------------------------------------------------------------------------------
    Row("7.1", "chunks", chunked(b"3\r\nabc\r\n0\r\n\r\n"), 200, ABC, True),
    Row("7.1", "the size in capitals and with leading zeros", chunked(b"0000000A\r\nabcdefghij\r\n00\r\n\r\n"), 200, seen(b"POST /", body=(b"abcdefghij", b"")), True),
    Row("7.1", "an empty size", chunked(b"\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1", "a size that is no number", chunked(b"z\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1", "a size with 0x", chunked(b"0x3\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1", "a size with a plus", chunked(b"+3\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1", "a size with a minus", chunked(b"-3\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1", "a last chunk of -0", chunked(b"-0\r\n\r\n"), 400, HALF),
    Row("7.1", "a blank before the size", chunked(b" 3\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1", "a blank behind the size", chunked(b"3 \r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1", "a tab behind the size", chunked(b"3\t\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1", "a NUL behind the size", chunked(b"3\0\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1", "an underscore in the size", chunked(b"0_3\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1", "a size beyond 32 bits is no small one: what follows is body", chunked(b"100000003\r\nabc\r\n0\r\n\r\n"), 0, HALF),
    Row("7.1", "a size that overflows 64 bits to a small one", chunked(b"10000000000000003\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1", "a size of 2^63", chunked(b"8000000000000000\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1", "a size of 2^64-1", chunked(b"ffffffffffffffff\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1", "a size of ten thousand digits", chunked(b"0" * 10_000 + b"3\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1", "bare LF behind the size", chunked(b"3\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1", "bare CR behind the size", chunked(b"3\rabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1", "bare LF behind the data", chunked(b"3\r\nabc\n0\r\n\r\n"), 400, CUT),
    Row("7.1", "bare CR behind the data", chunked(b"3\r\nabc\r0\r\n\r\n"), 400, CUT),
    Row("7.1", "data longer than its size", chunked(b"3\r\nabcd\r\n0\r\n\r\n"), 400, CUT),
    Row("7.1", "data shorter than its size", chunked(b"5\r\nabc\r\n0\r\n\r\n"), 400, CUT.replace(b"3\r\nabc", b"5\r\nabc\r\n")),
    Row("7.1", "bare LF as the end", chunked(b"3\r\nabc\r\n0\r\n\n"), 400, CUT),
    Row("7.1", "bare LF behind the last chunk", chunked(b"3\r\nabc\r\n0\n\r\n"), 400, CUT),
    Row("7.1.1", "extensions are read and dropped", chunked(b'3;a=b;c="d;\\"e";f\r\nabc\r\n0;g\r\n\r\n'), 200, ABC, True),
    Row("7.1.1", "an extension without a name", chunked(b"3;\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1.1", "bare LF inside of an extension", chunked(b"3;a\nb\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1.1", "bare CR inside of an extension", chunked(b"3;a\rb\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1.1", "a line end inside of a quoted extension", chunked(b'3;a="\r\nabc\r\n0\r\n\r\n'), 400, HALF),
    Row("7.1.1", "a NUL inside of an extension", chunked(b"3;a=\0\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1.1", "an extension longer than 1 KiB", chunked(b"3;" + b"a" * 100_000 + b"\r\nabc\r\n0\r\n\r\n"), 400, HALF),
    Row("7.1.1", "an extension of the last chunk longer than 1 KiB", chunked(b"3\r\nabc\r\n0;" + b"a" * 100_000 + b"\r\n\r\n"), 400, CUT),
    Row("7.1.2", "trailers go on", chunked(b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"), 200, seen(b"POST /", body=(b"abc", b"X-Sum: 1\r\n")), True),
    Row("7.1.2", "trailers that decide about framing or routing do not",
        chunked(b"3\r\nabc\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: x\r\nConnection: x\r\nX-Forwarded-For: x\r\nCookie: x\r\n\r\n"), 200, ABC, True),
    Row("7.1.2", "bare LF in a trailer", chunked(b"3\r\nabc\r\n0\r\nX: 1\n\r\n"), 400, CUT),
    Row("7.1.2", "a NUL in a trailer", chunked(b"3\r\nabc\r\n0\r\nX: \0\r\n\r\n"), 400, CUT),
    Row("7.1.2", "a folded trailer", chunked(b"3\r\nabc\r\n0\r\nX: 1\r\n y\r\n\r\n"), 400, CUT),
    Row("7.1.2", "a blank before the colon of a trailer", chunked(b"3\r\nabc\r\n0\r\nX : 1\r\n\r\n"), 400, CUT),
    Row("7.1.2", "a trailer without a colon", chunked(b"3\r\nabc\r\n0\r\nnonsense\r\n\r\n"), 400, CUT),
    Row("7.1.2", "a request where trailers should be", chunked(b"3\r\nabc\r\n0\r\nGET /inner HTTP/1.1\r\n\r\n"), 400, CUT),
    Row("7.1.2", "trailers longer than 8 KiB", chunked(b"3\r\nabc\r\n0\r\n" + b"X: 1\r\n" * 30_000 + b"\r\n"), 400, CUT),
    Row("7.4", "TE is for one hop", get(b"TE: trailers, deflate", b"Connection: TE"), 200, ROOT, True),
    # --- 9 Connections ----------------------------------------------------------------------------------------------------
    Row("9.1", "fields that Connection names are for one hop", get(b"Connection: X-A, keep-alive", b"X-A: 1", b"X-B: 2", b"Keep-Alive: timeout=9", b"Proxy-Connection: x"),
        200, seen(b"GET /", b"X-B: 2"), True),
    Row("9.1", "Connection names neither Host nor our own fields away", get(b"Connection: Host, X-Forwarded-For, Forwarded, Content-Length"), 200, ROOT, True),
    Row("9.3", "HTTP/1.0 with keep-alive", get(b"Connection: keep-alive", start=b"GET / HTTP/1.0"), 200, ROOT, True),
    Row("9.6", "nothing is served behind Connection: close", get(b"Connection: close"), 200, ROOT),
    # --- 11 Security ------------------------------------------------------------------------------------------------------
    Row("11.2", "what follows a refused request with a body is not served", post(b"Content-Length: 3", b"X y: 1", body=b"abc"), 400),
    Row("11.2", "what follows a request for another host is not served", b"POST / HTTP/1.1\r\nHost: example.com\r\nContent-Length: 3\r\n\r\nabc", 421),
    Row("11.2", "fields by which a program behind us knows visitors are ours",
        get(b"X-Forwarded-For: 6.6.6.6", b"X_Forwarded_For: 6.6.6.6", b"Forwarded: for=6.6.6.6", b"X-Real-IP: 6.6.6.6", b"X-Instatunnel-User: root"), 200, ROOT, True),
    # --- RFC 9110: Upgrade, Expect ----------------------------------------------------------------------------------------
    Row("9110 7.8", "Upgrade: h2c does not open HTTP/2", get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"), 200,
        seen(b"GET /").replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"), True),
    Row("9110 7.8", "Upgrade without Connection is no upgrade", get(b"Upgrade: websocket"), 200, ROOT, True),
    Row("9110 7.8", "Upgrade in HTTP/1.0 is none", get(b"Connection: Upgrade", b"Upgrade: websocket", start=b"GET / HTTP/1.0"), 200, ROOT),
    Row("9110 7.8", "an upgrade with a body is a request with a body", post(b"Connection: Upgrade", b"Upgrade: websocket", b"Content-Length: 3", body=b"abc"), 200,
        seen(b"POST /", body=b"abc"), True),
    Row("9110 10.1.1", "Expect: 100-continue with the body already there", post(b"Expect: 100-continue", b"Content-Length: 3", body=b"abc"), 200,
        seen(b"POST /", b"Expect: 100-continue", body=b"abc"), True),
    Row("9110 10.1.1", "Expect without a body", get(b"Expect: 100-continue"), 200, seen(b"GET /", b"Expect: 100-continue"), True),
]

# What an app sends. OK is what its visitor gets of it where nothing is wrong.
OK = b"HTTP/1.1 200 OK\r\n"
SECOND = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Poison: yes\r\n\r\nPWNED!"


REPLIES = [
    # --- 2, 4 Status line -------------------------------------------------------------------------------------------------
    Reply("2.2", "bare LF as line end", b"HTTP/1.1 200 OK\nX-A: 1\nContent-Length: 2\n\nok", OK + b"X-A: 1\r\nContent-Length: 2\r\n\r\nok"),
    Reply("2.2", "bare CR in a value", b"HTTP/1.1 200 OK\r\nX-A: 1\rX-B: 2\r\nContent-Length: 2\r\n\r\nok", 502),
    Reply("2.2", "no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 502),
    Reply("2.2", "HTTP/0.9", b"<html>hello</html>", 502),
    Reply("2.2", "nothing at all", b"", 502),
    Reply("2.3", "HTTP/1.0 ends with the connection", b"HTTP/1.0 200 OK\r\n\r\nok", OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    Reply("2.3", "HTTP/2.0", b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 502),
    Reply("2.3", "HTTP/1.2", b"HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok", 502),
    Reply("2.3", "frames of HTTP/2", b"\0\0\x12\x04\0\0\0\0\0" + b"\0" * 18, 502),
    Reply("4", "no reason", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", OK + b"Content-Length: 2\r\n\r\nok"),
    Reply("4", "a reason of another language", "HTTP/1.1 200 Schön\r\nContent-Length: 2\r\n\r\nok".encode(), OK + b"Content-Length: 2\r\n\r\nok"),
    Reply("4", "a NUL in the reason", b"HTTP/1.1 200 O\0K\r\nContent-Length: 2\r\n\r\nok", 502),
    Reply("4", "two digits", b"HTTP/1.1 99 Odd\r\nContent-Length: 2\r\n\r\nok", 502),
    Reply("4", "four digits", b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok", 502),
    Reply("4", "a status below 100", b"HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nok", 502),
    Reply("4", "a status that is no number", b"HTTP/1.1 2x0 OK\r\nContent-Length: 2\r\n\r\nok", 502),
    Reply("4", "a status line longer than 16 KiB", b"HTTP/1.1 200 " + b"a" * 20_000 + b"\r\nContent-Length: 2\r\n\r\nok", 502),
    # --- 5 Fields ---------------------------------------------------------------------------------------------------------
    Reply("5", "a name that is no token", b"HTTP/1.1 200 OK\r\nBad Name: 1\r\nContent-Length: 2\r\n\r\nok", 502),
    Reply("5", "a NUL in a value", b"HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 2\r\n\r\nok", 502),
    Reply("5", "a line without a colon", b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 2\r\n\r\nok", 502),
    Reply("5", "bytes that are no UTF-8 stay as they are", b"HTTP/1.1 200 OK\r\nX-A: \xff\xc3\r\nContent-Length: 2\r\n\r\nok", OK + b"X-A: \xff\xc3\r\nContent-Length: 2\r\n\r\nok"),
    Reply("5", "a head longer than 64 KiB", b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"w" * 5000) for i in range(16)) + b"Content-Length: 2\r\n\r\nok", 502),
    Reply("5", "a head that never ends", b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 100_000, 502),
    Reply("5.1", "a blank before the colon is taken out", b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\nX-A : 1\r\n\r\nok" + SECOND, OK + b"X-A: 1\r\nContent-Length: 2\r\n\r\nok"),
    Reply("5.2", "a folded line is joined", b"HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 2\r\n\r\nok", OK + b"X-A: 1   2\r\nContent-Length: 2\r\n\r\nok"),
    # --- 6 Message body ---------------------------------------------------------------------------------------------------
    Reply("6.1", "both length and coding", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 502),
    Reply("6.1", "a coding in HTTP/1.0", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 502),
    Reply("6.1", "a coding that is not chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok", 502),
    Reply("6.1", "chunked twice", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 502),
    Reply("6.1", "a coding of a 204 is nobody's", b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n"),
    Reply("6.2", "two different lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 502),
    Reply("6.2", "a list of different lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello", 502),
    Reply("6.2", "two equal lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", OK + b"Content-Length: 2\r\n\r\nok"),
    Reply("6.2", "a negative length", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 502),
    Reply("6.2", "a length with a sign", b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", 502),
    Reply("6.2", "a length that overflows", b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551618\r\n\r\nok", 502),
    Reply("6.2", "an empty length", b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nok", 502),
    Reply("6.3", "the body of a reply to HEAD is nobody's", OK + b"Content-Length: 83\r\n\r\n" + SECOND, OK + b"Content-Length: 83\r\n\r\n", "HEAD"),
    Reply("6.3", "chunks of a reply to HEAD are nobody's", OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", OK + b"\r\n", "HEAD"),
    Reply("6.3", "the body of a 204 is nobody's", b"HTTP/1.1 204 No Content\r\nContent-Length: 83\r\n\r\n" + SECOND, b"HTTP/1.1 204 No Content\r\n\r\n"),
    Reply("6.3", "the body of a 304 is nobody's", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 83\r\n\r\n" + SECOND, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 83\r\n\r\n"),
    Reply("6.3", "a 205 without a length ends with the connection", b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"),
    Reply("6.3", "a reply behind a reply is nobody's", OK + b"Content-Length: 2\r\n\r\nok" + SECOND, OK + b"Content-Length: 2\r\n\r\nok"),
    # --- 7 Transfer codings -----------------------------------------------------------------------------------------------
    Reply("7.1", "chunks are written anew", OK + b"Transfer-Encoding: chunked\r\n\r\n002;x=y\r\nok\r\n000\r\n\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    Reply("7.1", "chunks to HTTP/1.0 end with the connection", OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", OK + b"Connection: close\r\n\r\nok", version="1.0"),
    Reply("7.1", "a chunk size that is no number", OK + b"Transfer-Encoding: chunked\r\n\r\nz\r\nok\r\n0\r\n\r\n", (OK + b"Transfer-Encoding: chunked\r\n\r\n",)),
    Reply("7.1", "a chunk size that overflows", OK + b"Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\nok\r\n0\r\n\r\n", (OK + b"Transfer-Encoding: chunked\r\n\r\n",)),
    Reply("7.1", "no last chunk", OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",)),
    Reply("7.1", "a reply behind the last chunk is nobody's", OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + SECOND, OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    Reply("7.1.1", "an extension longer than 1 KiB", OK + b"Transfer-Encoding: chunked\r\n\r\n2;" + b"a" * 100_000 + b"\r\nok\r\n0\r\n\r\n", (OK + b"Transfer-Encoding: chunked\r\n\r\n",)),
    Reply("7.1.2", "trailers go on", OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"),
    Reply("7.1.2", "trailers that decide about framing or state do not",
          OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nContent-Length: 9\r\nSet-Cookie: a=1\r\nConnection: close\r\n\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    Reply("7.1.2", "trailers longer than 8 KiB", OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n" + b"X: 1\r\n" * 30_000 + b"\r\n", (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",)),
    # --- 8 Incomplete messages --------------------------------------------------------------------------------------------
    Reply("8", "a body shorter than its length is cut", OK + b"Content-Length: 9\r\n\r\nok", (OK + b"Content-Length: 9\r\n\r\nok",)),
    Reply("8", "half a head", b"HTTP/1.1 200 OK\r\nX-A", 502),
    # --- 9 Connections ----------------------------------------------------------------------------------------------------
    Reply("9.1", "fields of the app's connection end there", OK + b"Connection: X-A\r\nX-A: 1\r\nKeep-Alive: timeout=9\r\nProxy-Connection: x\r\nContent-Length: 2\r\n\r\nok",
          OK + b"Content-Length: 2\r\n\r\nok"),
    # --- 11 Security ------------------------------------------------------------------------------------------------------
    Reply("11.1", "a reply split by bare CR", OK + b"X-A: 1\r\rHTTP/1.1 200 OK\r\rPWNED\r\nContent-Length: 2\r\n\r\nok", 502),
    Reply("11.1", "a reply split by a folded line", OK + b"X-A: 1\r\n \r\n\r\n" + SECOND, OK + b"X-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
          + b"%x\r\n%s\r\n0\r\n\r\n" % (len(SECOND), SECOND)),
    # --- RFC 9110: interim answers, Upgrade --------------------------------------------------------------------------------
    Reply("9110 15.2", "interim answers come first", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok",
          b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok"),
    Reply("9110 15.2", "interim answers are not for HTTP/1.0", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok",
          OK + b"Content-Length: 2\r\nConnection: close\r\n\r\nok", version="1.0"),
    Reply("9110 15.2", "a length of an interim answer is none", b"HTTP/1.1 103 Early Hints\r\nContent-Length: 83\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok",
          b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok"),
    Reply("9110 15.2", "a flood of interim answers is thinned out", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 5000 + OK + b"Content-Length: 2\r\n\r\nok",
          b"HTTP/1.1 103 Early Hints\r\n\r\n" * 32 + OK + b"Content-Length: 2\r\n\r\nok"),
    Reply("9110 15.2.2", "101 to somebody who did not ask", b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + SECOND, 502),
    Reply("9110 15.2", "nothing but an interim answer, once", b"HTTP/1.1 103 Early Hints\r\n\r\n", (b"HTTP/1.1 103 Early Hints\r\n\r\n", 502)),
]
