"""Tests of one suite: registered by name, run a few at a time, one verdict a line and a closing line."""
import asyncio
import logging
import os
import sys
import time
import traceback
import uuid

HOST = os.environ.get("NJ_HOST", "127.0.0.1")
DOMAIN = os.environ.get("NJ_DOMAIN", "localhost")
PORT = int(os.environ.get("NJ_PORT_C2S", "5222"))
TLS_PORT = int(os.environ.get("NJ_PORT_C2S_TLS", "5223"))
BINARY = os.environ.get("NJ_BIN")
HOME = os.environ.get("NJ_HOME")
CONFIG = os.environ.get("NJ_CONFIG")
LOG = os.environ.get("NJ_LOG")
PID = os.environ.get("NJ_PID")

_tests = []


def test(name, seconds=30):
    """Registers a coroutine function as the test `name`."""
    def register(function):
        _tests.append((name, function, seconds))
        return function
    return register


def table(rows, name, seconds=30):
    """Registers one test for each row; `name` is a function of the row."""
    def register(function):
        for row in rows:
            _tests.append((name(*row), lambda row=row: function(*row), seconds))
        return function
    return register


async def _one(name, function, seconds):
    start = time.monotonic()
    try:
        await asyncio.wait_for(function(), seconds)
        verdict = f"ok {name}"
    except AssertionError as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        verdict = f"FAIL {name}: {error} ({os.path.basename(place.filename)}:{place.lineno})"
    except asyncio.TimeoutError:
        over = time.monotonic() - start >= seconds
        place = traceback.extract_tb(sys.exc_info()[2])
        line = next((entry.lineno for entry in place if entry.filename == sys.argv[0]), "?")
        verdict = f"FAIL {name}: {f'not finished after {seconds} s' if over else f'nothing came in time (line {line})'}"
    except Exception as error:
        traceback.print_exc()
        verdict = f"FAIL {name}: {type(error).__name__}: {error}"
    print(f"{verdict} ({time.monotonic() - start:.2f} s)", flush=True)
    return verdict.startswith("ok")


async def _all(at_once, afterwards):
    only = os.environ.get("NJ_ONLY", "")
    gate = asyncio.Semaphore(at_once)

    async def guarded(entry):
        async with gate:
            return await _one(*entry)

    chosen = [entry for entry in _tests if only in entry[0]]
    try:
        return await asyncio.gather(*(guarded(entry) for entry in chosen))
    finally:
        if afterwards:
            await afterwards()


def run(at_once=4, afterwards=None):
    """Runs all and ends the program; tests have accounts of their own and may run side by side. `afterwards` ends what the
    suite has started for all of them."""
    if os.environ.get("NJ_DEBUG"):
        logging.basicConfig(level=logging.DEBUG, filename="debug.log", filemode="w")
    verdicts = asyncio.run(_all(at_once, afterwards))
    passed = sum(verdicts)
    name = os.environ.get("NJ_SUITE") or os.path.splitext(os.path.basename(sys.argv[0]))[0]
    sys.stdout.flush()
    print(f"{name}: {passed} passed, {len(verdicts) - passed} failed, 0 skipped", flush=True)
    # Clients of others may have left tasks and threads behind: no verdict on the server.
    os._exit(0 if verdicts and all(verdicts) else 1)


def unique(prefix="user"):
    return f"{prefix}{uuid.uuid4().hex[:10]}"


async def ctl(*arguments, check=True):
    """`nightjar ctl …`: (exit code, standard output)."""
    assert BINARY, "no program to administer the server with"
    process = await asyncio.create_subprocess_exec(
        BINARY, "ctl", "--home", HOME, *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, error = await process.communicate()
    if check:
        assert process.returncode == 0, f"ctl {' '.join(arguments)}: {out.decode()} {error.decode()}"
    return process.returncode, out.decode()


def equal(seen, wanted, what="got"):
    assert seen == wanted, f"{what}: {seen!r}, wanted {wanted!r}"


async def until(condition, seconds=5, what="the condition"):
    """Waits for a condition that another task makes true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come in {seconds} s"
        await asyncio.sleep(0.02)
