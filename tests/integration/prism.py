"""Contract.fit by its own API description: a server that Prism makes of it.

    with prism.mock(directory) as server:            # answers as described, 422 to what is not
        server.url
    with prism.proxy(directory, tenant) as server:   # passes on; sl-violations names what differs

contract_fit_openapi.json is the vendor's description, byte for byte as this project was given it. Three
things in it are mended here, at run time: its paths stand below /admin, where the vendor's own
clients go (Prism looks at no server's path); logging in asks for no credential; and X-API-Key is
one, as its text says.
"""

import contextlib
import json
import pathlib
import socket
import subprocess
import time

import broker
import packages

DESCRIPTION = pathlib.Path(__file__).with_name("contract_fit_openapi.json")
START_SECONDS = 60


def description():
    return json.loads(DESCRIPTION.read_text("utf-8"))


def mended(prefix="/admin"):
    found = description()
    found["paths"] = {prefix + path: item for path, item in found["paths"].items()}
    found["paths"][prefix + "/auth"]["post"]["security"] = []
    found["components"]["securitySchemes"]["key"] = {
        "type": "apiKey", "in": "header", "name": "X-API-Key"}
    found["security"].append({"key": []})
    return found


class Server:
    def __init__(self, port, log):
        self.url, self._log = f"http://127.0.0.1:{port}", log

    @property
    def log(self):
        return self._log.read_text("utf-8")


@contextlib.contextmanager
def _run(directory, mode, *more):
    packages.fetch()
    (port,) = broker.free_ports(1)
    spec, log = directory / "contract_fit.json", directory / f"prism-{mode}.log"
    spec.write_text(json.dumps(mended()))
    command = ["node", packages.HERE / "node_modules/@stoplight/prism-cli/dist/index.js", mode,
               spec, *more, "--host", "127.0.0.1", "--port", str(port)]
    with open(log, "w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        yield Server(port, log)
    finally:
        process.kill()
        process.wait()


def mock(directory):
    return _run(directory, "mock")


def proxy(directory, upstream):
    return _run(directory, "proxy", upstream)
