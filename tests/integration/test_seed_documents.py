"""Replays every sample of the documents that the product was made from, as printed there: host, port, key, id and email aside.

The samples stand here word for word. For curl the documents' host is replaced by the edge's, YOUR_API_KEY by a key; the second
document's names become ours. The store is filled so that the answers, too, are the printed ones wherever a value is not made at random."""

import json
import os
import re
import subprocess
import time

import pexpect
import pytest

from store_rows import StoreRows, argon2id, microseconds
from visitor import curl

HOST = "https://api.instatunnel.my"
DOCUMENTED_KEY = "it_1234567890abcdef"
OWNER_KEY = "it_0wnerOfTheAccount"
JOHNS_KEY = "it_johnsKey00000def"
LONG_KEY = "it_" + "x" * 32
PASSWORD = "mypassword"

API_REQUEST = """
# Example API request
curl -H "Authorization: Bearer it_1234567890abcdef" \\
  https://api.instatunnel.my/v1/tunnels
"""
GET_USER = """
# Get user info
curl -H "Authorization: Bearer YOUR_API_KEY" \\
  https://api.instatunnel.my/v1/auth/user
// Response
{
  "id": "user_456",
  "email": "user@example.com",
  "name": "John Doe",
  "plan": "pro",
  "created_at": "2024-01-15T10:30:00Z",
  "usage": {
    "tunnels_created": 156,
    "data_transferred": "2.4 GB",
    "requests_served": 12487
  }
}
"""
LOGIN = """
# Login with credentials
curl -X POST \\
  -H "Content-Type: application/json" \\
  -d '{"email":"user@example.com","password":"mypassword"}' \\
  https://api.instatunnel.my/v1/auth/login
// Response
{
  "api_key": "it_1234567890abcdef",
  "user": {
    "id": "user_456",
    "email": "user@example.com",
    "name": "John Doe"
  }
}
"""
LOGOUT = """
# Logout and invalidate API key
curl -X POST \\
  -H "Authorization: Bearer YOUR_API_KEY" \\
  https://api.instatunnel.my/v1/auth/logout
"""
LIST_KEYS = """
# List API keys
curl -H "Authorization: Bearer YOUR_API_KEY" \\
  https://api.instatunnel.my/v1/auth/keys
// Response
{
  "keys": [
    {
      "id": "key_123",
      "name": "Production Key",
      "key": "it_***...def",
      "created_at": "2024-01-15T10:30:00Z",
      "last_used": "2024-07-02T14:30:00Z",
      "permissions": ["tunnels:read", "tunnels:write"]
    }
  ]
}
"""
CREATE_KEY = """
# Create new API key
curl -X POST \\
  -H "Authorization: Bearer YOUR_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"name":"CI/CD Key","permissions":["tunnels:read"]}' \\
  https://api.instatunnel.my/v1/auth/keys
"""
AVAILABLE_PERMISSIONS = """
// Available permissions
[
  "tunnels:read", // View tunnels
  "tunnels:write", // Create/modify tunnels
  "tunnels:delete", // Delete tunnels
  "analytics:read", // View analytics
  "admin:read", // Admin read access
  "admin:write" // Admin write access
]
"""
REVOKE_KEY = """
# Revoke API key
curl -X DELETE \\
  -H "Authorization: Bearer YOUR_API_KEY" \\
  https://api.instatunnel.my/v1/auth/keys/key_123
"""
AVAILABLE_SCOPES = """
Tunnel Management
  • tunnels:read - View tunnel information
  • tunnels:write - Create and modify tunnels
  • tunnels:delete - Delete tunnels
  • tunnels:stats - Access tunnel statistics
Analytics & Monitoring
  • analytics:read - View analytics data
  • logs:read - Access request logs
  • alerts:read - View alerts configuration
  • alerts:write - Configure alerts
Account Management
  • account:read - View account information
  • account:write - Modify account settings
  • billing:read - View billing information
  • keys:manage - Manage API keys
Administration
  • admin:read - Admin read access
  • admin:write - Admin write access
  • users:manage - Manage team users
  • org:manage - Organization management
"""
ERRORS = {401: """
{
  "error": "unauthorized",
  "message": "Invalid or missing API key",
  "code": 4001
}
""", 403: """
{
  "error": "forbidden",
  "message": "Insufficient permissions for this operation",
  "required_scope": "tunnels:write",
  "code": 4003
}
""", 429: """
{
  "error": "rate_limited",
  "message": "API rate limit exceeded",
  "retry_after": 60,
  "code": 4029
}
"""}
TERMINAL_LOGIN = """
# Login via CLI to get API key
$ instatunnel login
📧 Email: user@example.com
🔒 Password: ********
✅ Login successful
🔑 API Key: it_1234567890abcdef
"""
AUTH_STATUS = """
# View current API key
$ instatunnel auth status
Current API Key: it_***...def
Status: Valid
Expires: Never
"""
AUTH_TEST = """
# Test API key validity
$ instatunnel auth test
✅ API key is valid
👤 User: john@example.com
📋 Plan: Pro
🔑 Permissions: tunnels:*, analytics:read
"""
AUTH_TEST_SCOPE = """
# Test specific permission
$ instatunnel auth test --scope tunnels:write
✅ Permission 'tunnels:write' granted
"""
QUICK_COMMAND = "instatunnel auth login -e you@example.com && instatunnel 3000 --subdomain docs-demo"
SET_KEY = "instatunnel auth set-key it_your_api_key"

# The second document.
CLI_AUTHENTICATION = """
instavm auth set-key
instavm auth status
instavm whoami
"""
ENVIRONMENT = """
# The CLI picks up INSTAVM_API_KEY automatically
export INSTAVM_API_KEY="instavm_sk_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

# Verify
instavm auth status
"""
STORE_INTERACTIVELY = """
# Store key interactively
instavm auth set-key
"""
PIPE_IT_IN = """
# Or pipe it in
echo "instavm_sk_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" | instavm auth set-key
"""
RAW_HTTP = """
curl https://api.instavm.io/v1/vms \\
-H "X-API-Key: instavm_sk_..."
"""
SECURE_CONFIGURATION = """
# Source key from a secret manager or file
export INSTAVM_API_KEY=$(cat /run/secrets/instavm_key)

# Override per-command without changing stored config
instavm ls --api-key "instavm_sk_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
"""


def ours(text):
    """A sample of the second document with our names."""
    return (text.replace("instavm_sk_...", LONG_KEY).replace("instavm_sk_", "it_").replace("INSTAVM_API_KEY", "INSTATUNNEL_API_KEY")
            .replace("https://api.instavm.io/v1/vms", HOST + "/v1/tunnels").replace("instavm", "instatunnel"))


def command_and_answer(sample):
    """The shell command of a curl sample and the JSON it is answered with, if the document shows one."""
    command, _, answer = sample.partition("// Response\n")
    return command, json.loads(answer) if answer else None


def transcript(sample):
    """(command, lines of output) of a terminal sample."""
    lines = [line for line in sample.strip().split("\n") if not line.startswith("#")]
    assert lines[0].startswith("$ ")
    return lines[0][2:], lines[1:]


class Answer:
    def __init__(self, done):
        self.body, _, figures = done.stdout.rpartition("\n")
        self.status, _, self.type = figures.partition(" ")
        self.status = int(self.status)
        assert done.returncode == 0, done

    def json(self):
        assert self.type.startswith("application/json"), self.type
        return json.loads(self.body)


class Service:
    """An edge whose store holds the documents' accounts and keys, and a person's shell in which `instatunnel` and `curl` know it."""

    def __init__(self, edge, cli):
        self.edge, self.cli = edge, cli
        created = microseconds("2024-01-15T10:30:00Z")
        with StoreRows(edge.data) as rows:
            rows.account("456", "user@example.com", "John Doe", created, argon2id(PASSWORD))
            rows.usage("456", 156, 12487, 2_400_000_000)
            rows.key("key_123", "456", "Production Key", "it_production0000def", ["tunnels:read", "tunnels:write"], created,
                     microseconds("2024-07-02T14:30:00Z"))
            rows.key("key_124", "456", "The document's", DOCUMENTED_KEY, ["tunnels:read"], created + 1)
            rows.key("key_125", "456", "Owner", OWNER_KEY, ["*"], created + 2)
            rows.account("457", "john@example.com", "John", created)
            rows.key("key_457", "457", "John's", JOHNS_KEY, ["tunnels:*", "analytics:read"], created)
            rows.key("key_458", "457", "Long", LONG_KEY, ["*"], created)
            rows.account("458", "you@example.com", "You", created, argon2id(PASSWORD))
        self.programs = cli.folder / "bin"
        self.programs.mkdir()
        (self.programs / "instatunnel").symlink_to(cli.binary)
        host = edge.api.removeprefix("https://")
        (cli.home / ".curlrc").write_text(
            f'silent\nshow-error\nmax-time = 30\ncacert = "{edge.cacert}"\nresolve = "{host}:127.0.0.1"\n'
            'write-out = "\\n%{http_code} %{content_type}"\n', encoding="utf-8")
        for name, value in (("server", edge.api), ("cacert", edge.cacert)):
            assert cli.run("config", "set", name, value).returncode == 0

    def environment(self):
        return self.cli.environment(PATH=f"{self.programs}:{os.environ['PATH']}")

    def sh(self, script):
        return subprocess.run(["sh", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=30,
                              env=self.environment(), cwd=self.cli.folder, check=False)

    def curl(self, command, key=OWNER_KEY):
        return Answer(self.sh(command.replace(HOST, self.edge.api).replace("YOUR_API_KEY", key)))

    def terminal(self, script):
        return pexpect.spawn("sh", ["-c", script], env=self.environment(), encoding="utf-8", timeout=20, dimensions=(40, 200),
                             cwd=str(self.cli.folder))

    def works(self, key):
        return curl(self.edge.api + "/v1/auth/user", self.edge.cacert, "-H", f"Authorization: Bearer {key}").status == 200

    def stored_key(self):
        return self.sh("instatunnel auth show-key --reveal").stdout.split()[-1]


@pytest.fixture
def service(new_edge, new_cli):
    edge = new_edge().start()
    return Service(edge, new_cli(edge))


def check_like(shown, answered, made_at_random=(), path=""):
    """Every documented field is there, in the printed order, with the printed value; of those made at random the form is compared."""
    assert type(answered) is type(shown), f"{path}: {answered!r} is no {type(shown).__name__}"
    if path in made_at_random:
        assert re.fullmatch(made_at_random[path], answered), f"{path}: {answered!r}"
    elif isinstance(shown, dict):
        assert [name for name in answered if name in shown] == list(shown), f"{path}: names or order of {list(answered)}"
        for name, value in shown.items():
            check_like(value, answered[name], made_at_random, f"{path}.{name}")
    elif isinstance(shown, list) and shown and isinstance(shown[0], dict):
        assert len(answered) >= len(shown), path
        for index, value in enumerate(shown):
            check_like(value, answered[index], made_at_random, f"{path}[{index}]")
    else:
        assert answered == shown, f"{path}: {answered!r} instead of {shown!r}"


def check_error(sample, status, answer):
    """Byte for byte the documented object, compact, plus members behind the documented ones; the wait is the server's to name."""
    assert answer.status == status, answer.body
    documented = json.dumps(json.loads(sample), separators=(",", ":"))
    pattern = re.escape(documented.removesuffix("}")).replace('"retry_after":60', r'"retry_after":[1-9]\d*')
    rest = re.match(pattern, answer.body)
    assert rest, answer.body
    more = json.loads("{" + answer.body[rest.end():].removeprefix(","))
    assert set(more) <= {"reason", "request_id", "field", "hint"} and re.fullmatch(r"req_[A-Za-z0-9]{16}", more["request_id"]), more


def test_the_example_request_works_with_the_very_key_that_is_printed(service):
    command, _ = command_and_answer(API_REQUEST)
    answer = service.curl(command)
    assert answer.status == 200 and answer.json() == {"tunnels": []}


def test_get_user(service):
    command, shown = command_and_answer(GET_USER)
    answer = service.curl(command)
    assert answer.status == 200
    check_like(shown, answer.json())


def test_login(service):
    command, shown = command_and_answer(LOGIN)
    answer = service.curl(command)
    assert answer.status == 200
    check_like(shown, answer.json(), {".api_key": r"it_[A-Za-z0-9]{16}"})
    assert service.works(answer.json()["api_key"])


def test_logout(service):
    command, _ = command_and_answer(LOGOUT)
    assert service.works(OWNER_KEY)
    answer = service.curl(command)
    assert (answer.status, answer.body) == (204, "")
    check_error(ERRORS[401], 401, service.curl(command))
    assert service.works(DOCUMENTED_KEY), "the other keys of the account stay valid"


def test_list_keys(service):
    command, shown = command_and_answer(LIST_KEYS)
    answer = service.curl(command)
    assert answer.status == 200
    check_like(shown, answer.json())
    assert OWNER_KEY not in answer.body and DOCUMENTED_KEY not in answer.body


def test_create_key_with_the_shown_permission_alone(service):
    command, _ = command_and_answer(CREATE_KEY)
    answer = service.curl(command)
    assert answer.status == 201
    made = answer.json()
    assert list(made)[:3] == ["id", "name", "key"] and made["name"] == "CI/CD Key" and made["permissions"] == ["tunnels:read"]
    assert re.fullmatch(r"key_[A-Za-z0-9]+", made["id"]) and re.fullmatch(r"it_[A-Za-z0-9]{16}", made["key"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made["created_at"]) and made["expires_at"] is None and made["last_used"] is None
    assert service.curl(API_REQUEST.replace(DOCUMENTED_KEY, made["key"])).status == 200
    check_error(ERRORS[403].replace("tunnels:write", "keys:manage"), 403, service.curl(command, made["key"]))


def test_every_listed_permission_can_be_given(service):
    command, _ = command_and_answer(CREATE_KEY)
    listed = json.loads(re.sub(r"//.*", "", AVAILABLE_PERMISSIONS))
    described = re.findall(r"• (\S+) - ", AVAILABLE_SCOPES)
    assert len(listed) == 6 and len(described) == 16 and set(listed) < set(described)
    for scope in described:
        made = service.curl(command.replace("tunnels:read", scope)).json()
        assert made["permissions"] == [scope], made
        done = service.sh(f"instatunnel auth test --scope {scope} --api-key {made['key']}")
        assert (done.returncode, done.stdout) == (0, f"✅ Permission '{scope}' granted\n"), done
        other = "org:manage" if scope == "logs:read" else "logs:read"
        assert service.sh(f"instatunnel auth test --scope {other} --api-key {made['key']}").returncode == 4


def test_revoke_key(service):
    command, _ = command_and_answer(REVOKE_KEY)
    assert service.works("it_production0000def")
    answer = service.curl(command)
    assert (answer.status, answer.body) == (204, "")
    assert not service.works("it_production0000def") and service.works(OWNER_KEY)


@pytest.mark.parametrize("header", ["-H 'Accept: */*'", "-H 'Authorization: Bearer it_doesnotexist00xyz'", "-H 'Authorization: Bearer nonsense'",
                                    "-H 'X-API-Key: it_doesnotexist00xyz'"])
def test_the_documented_401(service, header):
    check_error(ERRORS[401], 401, service.curl(f"curl {header} {HOST}/v1/auth/user"))


def test_the_documented_403(service):
    create = f"curl -X POST -H 'Authorization: Bearer YOUR_API_KEY' -d '{{\"subdomain\":\"demo\"}}' {HOST}/v1/tunnels"
    check_error(ERRORS[403], 403, service.curl(create, DOCUMENTED_KEY))


def test_the_documented_429(service):
    wrong = command_and_answer(LOGIN)[0].replace(PASSWORD, "not the password")
    for _ in range(20):
        answer = service.curl(wrong)
        if answer.status != 401:
            break
    check_error(ERRORS[429], 429, answer)
    head = service.curl(wrong.replace("curl ", "curl -o /dev/null -D - ", 1)).body
    assert re.search(r"(?im)^retry-after: [1-9]\d*\s*$", head), head


def test_the_login_dialogue(service):
    command, shown = transcript(TERMINAL_LOGIN)
    child = service.terminal(command)
    child.expect_exact("📧 Email: ")
    screen = child.before + child.after
    child.sendline("user@example.com")
    child.expect_exact("🔒 Password: ")
    screen += child.before + child.after
    time.sleep(0.2)
    child.sendline(PASSWORD)
    screen += child.read()
    child.close()
    assert child.exitstatus == 0, screen
    pattern = re.escape("\r\n".join(shown) + "\r\n").replace(re.escape(DOCUMENTED_KEY), "(it_[A-Za-z0-9]{16})")
    match = re.fullmatch(pattern, screen)
    assert match, screen
    assert service.stored_key() == match.group(1) and service.works(match.group(1))


@pytest.mark.parametrize("sample, key", [(AUTH_STATUS, DOCUMENTED_KEY), (AUTH_TEST, JOHNS_KEY), (AUTH_TEST_SCOPE, JOHNS_KEY)])
def test_auth_status_and_test_print_what_is_shown(service, sample, key):
    command, shown = transcript(sample)
    assert service.sh(f"echo {key} | instatunnel auth set-key").returncode == 0
    done = service.sh(command)
    assert (done.returncode, done.stdout) == (0, "\n".join(shown) + "\n"), done


def test_the_quick_command(service, app):
    child = service.terminal(QUICK_COMMAND.replace("3000", str(app.port)))
    child.expect_exact("🔒 Password: ")
    time.sleep(0.2)
    child.sendline(PASSWORD)
    child.expect_exact("Your app is now live at " + service.edge.url("docs-demo", ""))
    assert service.edge.get("docs-demo", "/status/200").status == 200
    child.sendintr()
    child.expect_exact("📊 Session Summary: 1 requests handled")
    child.expect(pexpect.EOF)
    child.close()


def test_set_key_persists_the_key_and_refuses_the_placeholder(service):
    done = service.sh(SET_KEY)
    assert done.returncode == 2 and "it_your_api_key" not in done.stdout + done.stderr
    assert service.sh(SET_KEY.replace("it_your_api_key", DOCUMENTED_KEY)).returncode == 0
    assert service.stored_key() == DOCUMENTED_KEY
    assert service.sh("instatunnel auth status").stdout.split("\n")[1] == "Status: Valid"


def test_second_document_cli_authentication(service):
    child = service.terminal(ours(CLI_AUTHENTICATION))
    child.expect("(?i)key.*: ")
    time.sleep(0.2)
    child.sendline(LONG_KEY)
    screen = child.read()
    child.close()
    assert child.exitstatus == 0 and LONG_KEY not in screen, screen
    assert "Status: Valid\r\n" in screen and "👤 User: john@example.com" in screen
    assert LONG_KEY in service.cli.config_file.read_text() and service.cli.config_file == service.cli.home / ".instatunnel/config.json"
    assert service.sh(ours("instavm auth logout")).returncode == 0
    assert LONG_KEY not in service.cli.config_file.read_text()
    assert service.works(LONG_KEY), "a key that was set by hand is forgotten here, and stays valid elsewhere"


def test_second_document_environment_variable(service):
    done = service.sh(ours(ENVIRONMENT))
    assert (done.returncode, done.stdout) == (0, "Current API Key: it_***...xxx\nStatus: Valid\nExpires: Never\n"), done
    assert LONG_KEY not in service.cli.config_file.read_text()


def test_second_document_storing_a_key(service):
    child = service.terminal(ours(STORE_INTERACTIVELY))
    child.expect("(?i)key.*: ")
    time.sleep(0.2)
    child.sendline(DOCUMENTED_KEY)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0 and service.stored_key() == DOCUMENTED_KEY
    assert service.sh(ours(PIPE_IT_IN)).returncode == 0
    assert service.stored_key() == LONG_KEY


def test_second_document_raw_http_request(service):
    answer = service.curl(ours(RAW_HTTP))
    assert answer.status == 200 and answer.json() == {"tunnels": []}


def test_second_document_secure_configuration(service, folder):
    (folder / "key").write_text(JOHNS_KEY + "\n", encoding="ascii")
    script = ours(SECURE_CONFIGURATION).replace("/run/secrets/instatunnel_key", str(folder / "key"))
    before = service.cli.config_file.read_text()
    done = service.sh(script + "instatunnel auth status\n")
    assert done.returncode == 0 and done.stdout.startswith("No active tunnels\nCurrent API Key: it_***...def\nStatus: Valid\n"), done
    assert service.cli.config_file.read_text() == before


def test_second_document_rotating_keys(service):
    made = service.curl(CREATE_KEY).json()  # 1. generate
    assert service.sh(f"echo {made['key']} | instatunnel auth set-key").returncode == 0  # 2. update
    assert service.sh("instatunnel auth test").returncode == 0  # 3. test
    assert service.curl(REVOKE_KEY).status == 204  # 4. delete
    assert not service.works("it_production0000def")
    assert service.sh("instatunnel auth test").returncode == 0


def test_second_document_errors_name_their_fixes(service):
    done = service.sh("instatunnel auth test --api-key it_doesnotexist00xyz")
    assert done.returncode == 3 and re.search(r"(?is)spaces.*(missing|truncated).*deleted", done.stderr), done
    with StoreRows(service.edge.data) as rows:
        rows.key("key_gone", "456", "Short", "it_expiredKey000000", ["*"], microseconds("2024-01-15T10:30:00Z"))
        rows.expire("key_gone", microseconds("2024-02-15T10:30:00Z"))
    done = service.sh("instatunnel auth test --api-key it_expiredKey000000")
    assert done.returncode == 3 and re.search(r"(?i)expired.*sign in", done.stderr), done


def test_second_document_rate_limit_names_the_wait(service):
    wrong = command_and_answer(LOGIN)[0].replace(PASSWORD, "not the password")
    while service.curl(wrong).status == 401:
        pass
    done = service.sh(f"echo '{PASSWORD}' | instatunnel auth login -e user@example.com --password-stdin --no-wait")
    assert done.returncode == 7 and re.search(r"(?is)rate limit exceeded.*wait", done.stderr), done
