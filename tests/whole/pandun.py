"""What the whole-binary tests share: running commands, a live server, and its HTTP interface."""
import hashlib
import http.cookiejar
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

PANDUN = Path(os.environ["PANDUN_BIN"])
CONSOLE = os.environ.get("PANDUN_CONSOLE", "")


def scratch():
    """A folder of its own for one test; removed at a good end, kept (and named) at a bad one."""
    return Path(tempfile.mkdtemp(prefix="pandun-test-"))


def run(*arguments, expect=0, **kwargs):
    done = subprocess.run([PANDUN, *map(str, arguments)], capture_output=True, text=True, timeout=300, env=environment(), **kwargs)
    if expect is not None and done.returncode != expect:
        raise AssertionError(f"pandun {' '.join(map(str, arguments))}: exit {done.returncode}, expected {expect}\n{done.stdout}\n{done.stderr}")
    return done


def environment():
    # Keys made by a test stay with the test.
    return {**os.environ, "PANDUN_STATE_DIR": os.environ.get("PANDUN_STATE_DIR", str(Path(tempfile.gettempdir()) / "pandun-test-state"))}


def replay(out, *inputs, expect=0, flags=()):
    run("replay", "--out", out, *flags, *inputs, expect=expect)
    return json.loads((Path(out) / "summary.json").read_text()) if expect == 0 else None


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def wait_until(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


class Server:
    """`pandun serve` on a free port. The first start gives the admin's password. A test that fails leaves none behind: see main()."""

    running = []

    def __init__(self, data, *flags, config=None, limit=None):
        self.data = Path(data)
        command = [PANDUN, "serve", "--data", data, "--listen", "127.0.0.1:0", *map(str, flags)]
        if config:
            command += ["--config", config]
        self.errors = open(str(data) + ".stderr", "ab")
        self.child = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment(),
                                      preexec_fn=limit)
        Server.running.append(self)
        self.password, self.url = None, None
        for line in self.child.stdout:
            if match := re.search(r"admin password: (\S+)", line):
                self.password = match.group(1)
            if match := re.search(r"ready (https?://\S+)", line):
                self.url = match.group(1)
                break
        if self.url is None:
            raise AssertionError(f"serve ended with {self.child.wait()}: {Path(str(data) + '.stderr').read_text()[-2000:]}")

    def kill(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGKILL)
            self.child.wait()

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        code = self.child.wait(timeout=60)
        if code != 0:
            raise AssertionError(f"serve stopped with {code}: {Path(str(self.data) + '.stderr').read_text()[-2000:]}")

    def metric(self, name):
        text = urllib.request.urlopen(self.url + "/metrics", timeout=10).read().decode()
        return sum(float(v) for v in re.findall(rf"^{name}(?:\{{[^}}]*\}})? ([-+0-9.e]+)$", text, re.M))


class Client:
    """A person at the HTTP interface."""

    def __init__(self, url):
        self.url = url
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.csrf = None

    def call(self, method, path, body=None, expect=None, raw=None):
        data = raw if raw is not None else (json.dumps(body).encode() if body is not None else None)
        request = urllib.request.Request(self.url + path, data=data, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if self.csrf:
            request.add_header("X-CSRF-Token", self.csrf)
        try:
            with self.opener.open(request, timeout=30) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as problem:
            status, text = problem.code, problem.read().decode()
        if expect is not None and status != expect:
            raise AssertionError(f"{method} {path}: {status}, expected {expect}: {text[:500]}")
        return json.loads(text) if text else None

    def sign_in(self, username, password, new_password=None):
        session = self.call("POST", "/api/v1/session", {"username": username, "password": password}, expect=200)
        self.csrf = session["csrf_token"]
        if new_password:
            self.call("POST", "/api/v1/session/password", {"old_password": password, "new_password": new_password}, expect=204)
        return session


def main(*tests):
    """Runs the tests; `N passed, N failed` closes the run."""
    failed = 0
    only = sys.argv[1:]
    chosen = [t for t in tests if not only or t.__name__ in only]
    for test in chosen:
        home = scratch()
        start = time.monotonic()
        try:
            test(home)
        except Exception as problem:  # every kind of failure is a failed test
            failed += 1
            print(f"FAIL {test.__name__}: {problem}\n     its files: {home}", flush=True)
        else:
            shutil.rmtree(home, ignore_errors=True)
            print(f"ok   {test.__name__} ({time.monotonic() - start:.1f} s)", flush=True)
        for server in Server.running:
            server.kill()
        Server.running.clear()
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed or not chosen else 0
