"""A TLS front for a server, which speaks HTTP/2 where the client does: nghttpx(1)."""

import socket
import subprocess

from harness import system


def free_port():
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        return holder.getsockname()[1]


def front_command(port, backend, authority, log, streams):
    """nghttpx's command line, with the certificate that authority.context() makes."""
    backend = backend.removeprefix("http://").replace(":", ",").replace("unix,", "unix:")
    return ["nghttpx", "--conf=/dev/null", f"--frontend=127.0.0.1,{port}", f"--backend={backend}",
            f"--accesslog-file={log}", "--accesslog-format=$remote_port $alpn $method",
            "--no-ocsp", "--single-process", "--workers=1",
            f"--frontend-http2-max-concurrent-streams={streams}",
            str(authority.directory / "server.key"), str(authority.directory / "server.pem")]


class Frontend:
    """source is https; the log has a line for each request: the client's port and its protocol."""

    def __init__(self, directory, authority, backend, streams=256):
        directory.mkdir()
        self.port, self.log_file = free_port(), directory / "access.log"
        self.source = f"https://127.0.0.1:{self.port}"
        authority.context()
        command = front_command(self.port, backend, authority, self.log_file, streams)
        with open(directory / "stderr", "wb") as stderr:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=stderr)
        system.eventually(self.accepts, "nghttpx at its port")

    def accepts(self):
        assert self.process.poll() is None, "nghttpx has ended"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def requests(self):
        """(port of the client, protocol, method) of each."""
        return [tuple(line.split()) for line in self.log_file.read_text().splitlines()]

    def stop(self):
        self.process.terminate()
        self.process.wait(system.DEADLINE)
