"""The audit log of a mount, read back."""

import json


class AuditLog:
    def __init__(self, file):
        self.file = file

    def lines(self):
        """Each line as an object: a line that is none, or has no end, is an error."""
        if not self.file.exists():
            return []
        text = self.file.read_text()
        assert text == "" or text.endswith("\n"), f"the last line has no end: {text!r}"
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def of(self, event):
        return [line for line in self.lines() if line["event"] == event]

    def one(self, event):
        found = self.of(event)
        assert len(found) == 1, f"one {event} line, not {found}"
        return found[0]
