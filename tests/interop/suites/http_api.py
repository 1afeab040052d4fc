# server: http_api.yml.in
# seconds: 120
"""Commands over HTTP: the answers of ejabberd 23.01, permission, health, and schemathesis on the OpenAPI document."""
import asyncio
import base64
import http.client
import json
import os
import sys

from suite import DOMAIN, HOME, ctl, equal, run, table, test, unique

PORT = int(os.environ["NJ_PORT_HTTP"])
# Everything is allowed through this listener, by its tag.
OPEN = int(os.environ["NJ_PORT_HTTPS"])


def exchange(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    return response.status, response.read().decode(), response.headers


async def ask(path, body=None, port=OPEN, method=None, headers=None):
    """Status and JSON."""
    method = method or ("GET" if body is None else "POST")
    status, text, _ = await asyncio.to_thread(exchange, port, method, path, body, headers)
    return status, json.loads(text)


REFUSED = {"status": "error", "code": 32,
           "message": "AccessRules: Account does not have the right to perform the operation."}
WRONG = {"status": "error", "code": 10, "message": "You are not authorized to call this command."}
UNKNOWN = {"status": "error", "code": 40, "message": "Endpoint not found."}
HERE = json.dumps({"host": DOMAIN})


# What ejabberd 23.01 answers to the same calls; its API is version 0.
@table([
    ("/api/v0/connected_users_number", "{}", 200, {"num_sessions": 0}),
    ("/api/v0/connected_users_number", None, 200, {"num_sessions": 0}),
    ("/api/v0/get_loglevel", "{}", 200, {"levelatom": "info"}),
    ("/api/v0/num_resources", json.dumps({"user": "u", "host": DOMAIN}), 200, {"resources": 0}),
    ("/api/v0/check_account", json.dumps({"user": "nobody", "host": DOMAIN}), 200, 1),
    ("/api/v0/get_roster", json.dumps({"user": "u", "host": DOMAIN}), 200, []),
    ("/api/v0/get_roster", json.dumps({"user": "u", "server": DOMAIN}), 200, []),
    ("/api/v0/unregister", json.dumps({"user": "nobody", "host": DOMAIN}), 200, ""),
    ("/api/v0/unregister", json.dumps({"user": "u", "host": "nohost"}), 400, "Unknown virtual host"),
    ("/api/v0/register", json.dumps({"user": "u", "host": "nohost", "password": "p"}), 500,
     {"status": "error", "code": 10001, "message": "Unknown virtual host"}),
    ("/api/v0/get_presence", json.dumps({"user": "nobody", "host": "nohost"}), 200,
     {"jid": "nobody@nohost", "show": "unavailable", "status": ""}),
    ("/api/v0/kick_session", json.dumps({"user": "u", "host": DOMAIN, "resource": "x", "reason": "y"}), 200, 0),
    ("/api/v0/set_loglevel", '{"loglevel":"xxx"}', 400, "Invalid log level"),
    ("/api/v0/registered_users", "{}", 400, "Request have missing argument: host"),
    ("/api/v0/registered_users", "\n", 400, "Request have missing argument: host"),
    ("/api/v0/registered_users", json.dumps({"host": DOMAIN, "foo_bar_baz": 1}), 400,
     "Request have unknown arguments: [foo_bar_baz]"),
    ("/api/v0/registered_users", '{"host":"a","host":"b"}', 400, "Request have duplicate argument: host"),
    ("/api/v0/registered_users?host=a&host=b", None, 400, "Request have duplicate argument: host"),
    ("/api/v0/nonsense_xyz", "{}", 404, UNKNOWN),
    ("/api/", None, 400, {"status": "error", "code": 40, "message": "Missing command name."}),
    ("/api/v0/oauth_revoke_token", '{"token":"none"}', 200, ""),
], lambda path, body, status, wanted: f"as ejabberd answers: {path} {body and body.strip()}")
async def _(path, body, status, wanted):
    equal(await ask(path, body), (status, wanted))


@test("register: done, then a conflict")
async def _():
    user = unique()
    body = json.dumps({"user": user, "host": DOMAIN, "password": "secret"})
    equal(await ask("/api/register", body), (200, f"User {user}@{DOMAIN} successfully registered"))
    equal(await ask("/api/register", body),
          (409, {"status": "error", "code": 10090, "message": f"User {user}@{DOMAIN} already registered"}))
    status, users = await ask(f"/api/registered_users?host={DOMAIN}")
    assert status == 200 and user in users and users == sorted(users), users


@test("permission: by address, by password, by token; row 43: no odd shape gets around it")
async def _():
    await ctl("register", "admin", DOMAIN, "secret", check=False)

    def basic(password):
        return {"Authorization": "Basic " + base64.b64encode(f"admin@{DOMAIN}:{password}".encode()).decode()}
    equal((await ask("/api/status", port=PORT))[0], 200)
    equal(await ask("/api/registered_users", HERE, port=PORT), (403, REFUSED))
    equal(await ask("/api/registered_users", HERE, port=PORT, headers=basic("wrong")), (401, WRONG))
    equal((await ask("/api/registered_users", HERE, port=PORT, headers=basic("secret")))[0], 200)
    issued = (await ctl("oauth_issue_token", f"admin@{DOMAIN}", "60", "ejabberd:admin"))[1]
    bearer = {"Authorization": "Bearer " + issued.split()[0]}
    equal((await ask("/api/registered_users", HERE, port=PORT, headers=bearer))[0], 200)
    for path, body in (
        ("/api/status/registered_users", HERE), ("/api/status?command=registered_users", HERE),
        ("/api/registered_users", f"[{HERE},{HERE}]"), ("/api/registered_users/v0/status", HERE),
        ("/api/Registered_users", HERE), ("/api/registered-users", HERE),
    ):
        status, answer = await ask(path, body, port=PORT)
        assert status in (400, 403, 404), f"{path}: {status} {answer}"


@test("ejabberd_ctl: on the UNIX socket only; health and figures are there")
async def _():
    status, text, _ = await asyncio.to_thread(exchange, PORT, "POST", "/ctl/status", '["status"]')
    equal(status, 403, text)
    socket = os.path.join(os.path.dirname(os.environ["NJ_CONFIG"]), "ctl.sock")
    process = await asyncio.create_subprocess_exec(
        "curl", "-s", "-i", "--unix-socket", socket, "--data", '["registered_vhosts"]',
        "http://localhost/ctl/registered_vhosts", stdout=asyncio.subprocess.PIPE)
    out = (await process.communicate())[0].decode()
    assert "status-code: 0" in out and out.endswith(f"{DOMAIN}\n"), out
    for path in ("/healthz", "/readyz", "/metrics"):
        status, text, _ = await asyncio.to_thread(exchange, PORT, "GET", path)
        equal(status, 200, f"{path}: {text}")


# These end the server or its listeners, or write files where they are told.
EXCLUDED = ("stop|halt|restart|stop_kindly|restart_kindly|evacuate_kindly|dump_config|reload_config|set_loglevel|"
            "rotate_log|reopen_log|push_roster|push_roster_all")


@test("schemathesis: no violation of the OpenAPI document", seconds=100)
async def _():
    settings = os.path.join(os.path.dirname(os.environ["NJ_CONFIG"]), "schemathesis.toml")
    with open(settings, "w") as file:
        file.write('[phases.coverage]\nunexpected-methods = ["PUT", "DELETE", "PATCH"]\n')
    process = await asyncio.create_subprocess_exec(
        os.path.join(os.path.dirname(sys.executable), "st"), "--config-file", settings, "run",
        f"http://127.0.0.1:{OPEN}/api/openapi.json", "--exclude-path-regex", f"^/({EXCLUDED})(/|$)",
        "--phases", "examples,coverage,fuzzing", "--max-examples", "2", "--seed", "1", "--workers", "1",
        "--checks", "all", "--exclude-checks", "not_a_server_error,positive_data_acceptance", "--max-time", "50",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=os.path.dirname(settings))
    out = (await process.communicate())[0].decode()
    assert process.returncode == 0, out[-2000:]


run()
