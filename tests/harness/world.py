"""Everything that one test starts, and the checks at its end."""

import os

from harness import system, watchdog
from harness.mount import Mount, option_words
from harness.sandbox import Sandbox
from harness.service import Service

FOREIGN = ("BIGDATA_", "CREDENTIALS_DIRECTORY", "XDG_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY",
           "NO_PROXY")


def sanitizer_options(name, directory):
    given = os.environ.get(name)
    return (f"{given}:" if given else "") + f"log_path={directory}/sanitizer"


class World:
    def __init__(self, directory):
        self.directory = directory
        self.mounts, self.servers = [], []
        self.children_before, self.mounts_before = system.children(), system.mounts()
        self.env = self.environment()
        self.descendants_before, self.watchdog = system.descendants(), None

    def environment(self):
        """Of every program under test: nothing of the caller's reaches it, nothing that it
        writes leaves the test's directory."""
        env = {name: value for name, value in os.environ.items()
               if not name.upper().startswith(FOREIGN)}
        home = self.directory / "home"
        for name, sub in (("HOME", "."), ("XDG_STATE_HOME", "state"), ("XDG_CONFIG_HOME", "config"),
                          ("XDG_RUNTIME_DIR", "run"), ("XDG_CACHE_HOME", "cache"),
                          ("XDG_DATA_HOME", "data"), ("TMPDIR", "tmp")):
            (home / sub).mkdir(parents=True, exist_ok=True, mode=0o700)
            env[name] = str(home / sub)
        env["LC_ALL"] = "C.UTF-8"
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            env[name] = sanitizer_options(name, self.directory)
        return env

    # What tests call

    def sandbox(self, **options):
        sandbox = Sandbox(self.directory / f"sandbox{len(self.servers)}", self.env, **options)
        self.servers.append(sandbox)
        return sandbox

    def service(self, *connectors, **options):
        service = Service(self.directory / f"service{len(self.servers)}", connectors, **options)
        self.servers.append(service)
        return service

    def mount(self, server=None, *arguments, foreground=True, env=None, wrapper=(), **options):
        """Mounts what a server serves; without one, the arguments alone say what."""
        if server is not None:
            options.setdefault("api_key_file", server.key_file)
            arguments = (server.source, *arguments)
        directory = self.directory / f"mount{len(self.mounts)}"
        mount = Mount(directory, [*option_words(options), *arguments],
                      {**self.env, **(env or {})}, foreground, wrapper)
        self.mounts.append(mount)
        if env and "CLOCK_SHIFT_FILE" in env:
            # The leap of a clock may fall into a look at the key file, which then seems to take long.
            mount.allow("the API key file does not answer")
        return mount

    def program(self, *arguments, env=None, deadline=60):
        """Runs bigdatafs to its end."""
        return system.run(system.BIGDATAFS, *arguments, env={**self.env, **(env or {})},
                          deadline=deadline)

    # The watchdog

    def watch(self, limit=None, grace=watchdog.GRACE):
        """From now on the test may take so many seconds; called again, it counts anew."""
        if self.watchdog is not None:
            self.watchdog.cancel()
        self.watchdog = watchdog.Watchdog(self.directory, self.descendants_before,
                                          limit or watchdog.limit(), grace, self.release)

    def release(self):
        for server in self.servers:
            if isinstance(server, Service):
                server.release()

    # The end

    def finish(self, failed):
        """Ends all that is left and returns what was wrong."""
        try:
            return self.end(failed)
        finally:
            self.watchdog.cancel()

    def end(self, failed):
        problems = []
        self.release()
        for mount in self.mounts:
            problems += mount.finish()
        for server in self.servers:
            problems += server.finish()
            problems += [] if failed else server.verdict()
        return problems + self.leftovers() + self.sanitizer_reports()

    def leftovers(self):
        problems = []
        for point, (fstype, _, _) in system.mounts().items():
            mine = point.startswith(str(self.directory))  # another run may mount at the same time
            if mine and point not in self.mounts_before and fstype.startswith("fuse"):
                problems.append(f"a mount was left behind: {point}")
                system.run("fusermount3", "-u", "-z", point)
        for pid, name in system.children().items():
            if pid in self.children_before:
                continue
            if not is_zombie(pid):
                problems.append(f"a process was left behind: {pid} {name}")
            system.kill_hard(pid)
        return problems

    def sanitizer_reports(self):
        return [path.read_text(errors="replace") for path in self.directory.glob("sanitizer.*")]

    def print_logs(self):
        for mount in self.mounts:
            print(f"--- {mount.stderr}\n{mount.log()}")
        for server in self.servers:
            print("--- requests", *server.seen(), sep="\n")


def is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
