"""What the tests stand on: real mounts of bigdatafs, the sandbox, and a scripted service.

system   processes, mounts, acts and waits
ledger   the requests that a server saw, and the DELETEs that a test declared
inotify  inotify(7)
clock    the clock of a program under test
client   a third party that changes connectors behind the mount's back
sandbox  bigdatafs-sandbox as a child process
sandbox_alone  the same without a mount, for the tests of bigdatafs-sandbox itself
audit    the audit log, read back
certificates  a certificate authority of the tests' own
faults   what can happen to an answer on its way
ptrace   one thread of a program, stopped
service  an HTTP server inside the test for answers that the sandbox never gives
mount    bigdatafs as a child process
watchdog  ends a test that hangs, and says first where all of its processes stand
world    all of these for one test, and the checks at its end
"""

from harness.inotify import Inotify
from harness.ledger import archive, hard
from harness.service import Answer, connector, uuid
from harness.system import eventually, fails_with, in_background, run, write

__all__ = ["Answer", "Inotify", "archive", "connector", "eventually", "fails_with", "hard",
           "in_background", "run", "uuid", "write"]
