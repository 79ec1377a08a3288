"""A certificate authority of the test's own, and what it signs, by openssl(1)."""

import ssl
from datetime import datetime, timedelta, timezone

from harness.system import run

CONFIG = """
[ca]
default_ca = authority
[authority]
database = {directory}/index
new_certs_dir = {directory}
certificate = {directory}/ca.pem
private_key = {directory}/ca.key
serial = {directory}/serial
default_md = sha256
policy = anything
unique_subject = no
[anything]
commonName = supplied
"""


def openssl(*words):
    done = run("openssl", *words)
    assert done.returncode == 0, done.stderr


class Authority:
    def __init__(self, directory, name="Test authority"):
        directory.mkdir()
        self.directory, self.config = directory, directory / "config"
        self.certificate = directory / "ca.pem"
        (directory / "index").touch()
        (directory / "serial").write_text("01\n")
        self.config.write_text(CONFIG.format(directory=directory))
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                "-days", "2", "-keyout", directory / "ca.key", "-out", self.certificate)

    def context(self, alternative="IP:127.0.0.1", days=(-1, 1)):
        """An ssl.SSLContext of a server with a certificate for a subjectAltName, valid from
        and until so many days from now."""
        key, request = self.directory / "server.key", self.directory / "server.csr"
        signed, extensions = self.directory / "server.pem", self.directory / "extensions"
        extensions.write_text(f"subjectAltName = {alternative}\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=server",
                "-keyout", key, "-out", request)
        now = datetime.now(timezone.utc)
        start, end = ((now + timedelta(days=d)).strftime("%Y%m%d%H%M%SZ") for d in days)
        openssl("ca", "-batch", "-notext", "-config", self.config, "-in", request, "-out", signed,
                "-extfile", extensions, "-startdate", start, "-enddate", end)
        return server_context(signed, key)


def server_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def self_signed(directory):
    """An ssl.SSLContext of a server that signed its own certificate."""
    directory.mkdir()
    key, certificate = directory / "key", directory / "certificate"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=server", "-days", "2",
            "-addext", "subjectAltName = IP:127.0.0.1", "-keyout", key, "-out", certificate)
    return server_context(certificate, key)
