"""Runs a command on a terminal of its own, and types what it is given once a question is there.

Arguments: the keys, then the command. Prints JSON: the exit code, all that was to be seen, and
whether the terminal is left as it was found.
"""

import json
import os
import pty
import subprocess
import sys
import termios

keys, *command = sys.argv[1:]
ours, theirs = pty.openpty()
before = termios.tcgetattr(theirs)
child = subprocess.Popen(
    command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
)
# `theirs` stays open until the child has ended, so that its settings can be read then.
seen = b""
is_typed = False
os.set_blocking(ours, False)
while True:
    has_ended = child.poll() is not None
    try:
        seen += os.read(ours, 65536)
    except BlockingIOError:
        if has_ended:
            break
        try:
            child.wait(0.02)
        except subprocess.TimeoutExpired:
            pass
    if not is_typed and b"(not shown): " in seen:
        is_typed = True
        os.write(ours, keys.encode())
print(
    json.dumps(
        {
            "code": child.returncode,
            "seen": seen.decode(),
            "isRestored": termios.tcgetattr(theirs) == before,
        }
    )
)
