"""What the peers stand on: nginx, sshd, and a TLS end that speaks HTTP/2."""

import os
import shutil
import socket
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import Failed
from harness import system
from harness.certificates import Authority
from harness.frontend import free_port, front_command

NGINX = """
daemon off;
user root;
worker_processes 2;
pid {directory}/pid;
error_log {directory}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    default_type text/plain;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        autoindex on;
    }}
}}
"""

SSHD = """
ListenAddress 127.0.0.1
Port {port}
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/user_key.pub
PidFile {directory}/pid
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp {sftp_server}
"""

SFTP_SERVER = "/usr/lib/openssh/sftp-server"
SSHD_EMPTY = Path("/run/sshd")  # where sshd insists on locking its children up


def program(name):
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if found is None:
        raise Failed(f"{name} is missing")
    return found


def await_port(port, process, log):
    """Until somebody listens there, or the process has ended."""
    def listens():
        if process.poll() is not None:
            said = log.read_text(errors="replace").strip().splitlines()
            raise Failed(said[-1] if said else f"status {process.returncode}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    system.eventually(listens, f"listening on port {port}")


@contextmanager
def listening(stage, command, port, directory):
    log = directory / "log"
    with stage.process(command, log) as process:
        await_port(port, process, log)
        yield port


@contextmanager
def nginx(stage, root):
    directory, port = stage.fresh("nginx"), free_port()
    config = directory / "config"
    config.write_text(NGINX.format(directory=directory, port=port, root=root))
    command = [program("nginx"), "-c", config, "-e", directory / "error.log"]
    with listening(stage, command, port, directory):
        yield port


@contextmanager
def sshd(stage):
    """Yields its port and the directory with user_key."""
    if not os.access(SFTP_SERVER, os.X_OK):
        raise Failed(f"{SFTP_SERVER} is missing")
    directory, port = stage.fresh("sshd"), free_port()
    for key in ("host_key", "user_key"):
        done = system.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / key)
        if done.returncode != 0:
            raise Failed(done.stderr)
    config = directory / "config"
    config.write_text(SSHD.format(directory=directory, port=port, sftp_server=SFTP_SERVER))
    ours = not SSHD_EMPTY.exists()
    SSHD_EMPTY.mkdir(mode=0o755, exist_ok=True)
    try:
        command = [program("sshd"), "-D", "-e", "-f", config]
        with listening(stage, command, port, directory):
            yield port, directory
    finally:
        if ours:
            SSHD_EMPTY.rmdir()


@contextmanager
def delayed(stage, port, latency):
    """The port of a forwarder that adds so many milliseconds, or the same one without latency."""
    if not latency:
        yield port
        return
    log = stage.fresh("forwarder") / "log"
    command = ["/usr/bin/python3", "-B", "-m", "benchmarks.forwarder", latency, f"127.0.0.1:{port}"]
    with stage.process(command, log, pipe=True) as process:
        line = process.stdout.readline()
        if not line.strip().isdigit():
            raise Failed(f"the forwarder said {line!r}: {log.read_text()}")
        yield int(line)


@contextmanager
def tls(stage, sandbox):
    """Yields (URL, certificate to trust): TLS and HTTP/2 in front of a sandbox."""
    directory, port = stage.fresh("tls"), free_port()
    authority = Authority(directory / "authority")
    authority.context()
    program("nghttpx")
    command = front_command(port, sandbox.source, authority, "/dev/null", streams=1000)
    with listening(stage, command, port, directory):
        yield f"https://127.0.0.1:{port}", authority.certificate
