"""Answers that go wrong on their way: each is an Answer for Service.answer, over TCP, and is
recorded by its name when it has happened.

The bytes are those of the answer that the service would have given, so that what arrives is
plausible. applied: whether the service did what was asked for before its answer was lost.
"""

import os
import select
import socket
import struct
from http import HTTPStatus

from harness.service import Answer, uuid
from harness.ledger import archive, hard
from harness.system import write

RESET, CLOSE, SILENCE = "reset", "close", "silence"  # how an answer that was cut ends

STAGES = {
    "before any byte": lambda text: 0,
    "in the status line": lambda text: len(b"HTTP/1.1 2"),
    "after the status line": lambda text: text.index(b"\r\n") + 2,
    "in the headers": lambda text: (text.index(b"\r\n") + text.index(b"\r\n\r\n")) // 2,
    "after the headers": lambda text: text.index(b"\r\n\r\n") + 4,
    "in the body": lambda text: (text.index(b"\r\n\r\n") + len(text)) // 2,
    "before the last byte": lambda text: len(text) - 1,
}

# Operations that send one DELETE for connector 1: what does it, and what it sends.
ACTS = {
    "archive": (lambda m: os.rmdir(m / uuid(1)), archive(uuid(1))),
    "hard": (lambda m: write(m / uuid(1) / ".force_delete", b"1"), hard(uuid(1))),
}


def as_text(answer, length=None):
    """An Answer as it goes over the wire, the last one of its connection: a client that is not told
    sends its next request there. length: what Content-Length says."""
    headers = {"Content-Type": "application/json", "Connection": "close",
               "Content-Length": len(answer.body) if length is None else length,
               **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
             *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + answer.body


def is_gone(connection, wait):
    """Whether the client closed its side within so many seconds."""
    readable, _, _ = select.select([connection], [], [], wait)
    if not readable:
        return False
    try:
        return connection.recv(1) == b""
    except OSError:
        return True


def await_gone(handler):
    while not handler.server.service.closing and not is_gone(handler.connection, 0.1):
        pass


def reset(handler):
    """Ends the connection with a RST: nothing else may hold the socket any more."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.rfile.close()
    handler.connection.close()


def fault(name, applied, body):
    """An Answer whose act is body(handler, text of the true answer)."""
    def act(handler, request):
        service = handler.server.service
        answer = service.true_answer(request, applied)
        answer.body = answer.body or b'{"message": "it is being done"}'  # something to be cut
        text = as_text(answer)
        try:
            body(handler, text)
        finally:
            service.note_fault(name, handler.nth)
    return Answer(act=act)


def cut(stage, end=RESET, applied=False):
    """The answer breaks off at a stage."""
    def body(handler, text):
        handler.wfile.write(text[:STAGES[stage](text)])
        if end == RESET:
            reset(handler)
        elif end == SILENCE:
            await_gone(handler)
    return fault("cut", applied, body)


def drip(applied=False):
    """One byte a second, until the client gives up."""
    def body(handler, text):
        for i in range(len(text)):
            handler.wfile.write(text[i:i + 1])
            if handler.server.service.closing or is_gone(handler.connection, 1):
                break
    return fault("drip", applied, body)


def wrong_length(change, applied=False):
    """Content-Length is off by so many bytes; then the connection ends."""
    def body(handler, text):
        head, _, rest = text.partition(b"\r\n\r\n")
        right = f"Content-Length: {len(rest)}".encode()
        wrong = f"Content-Length: {len(rest) + change}".encode()
        assert right in head
        handler.wfile.write(head.replace(right, wrong) + b"\r\n\r\n" + rest)
    return fault("wrong length", applied, body)


def instead(answer, applied=False):
    """Another answer than the true one, whole."""
    def body(handler, _):
        handler.wfile.write(as_text(answer() if callable(answer) else answer))
    return fault("instead", applied, body)
