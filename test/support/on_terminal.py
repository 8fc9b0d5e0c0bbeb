"""Runs a command on a terminal of its own, between this program's input and output.

Ends with the command, with its exit code, and says so if the command leaves the terminal other than
it found it. The command is killed once the input ends: then whoever started this is gone, and
nobody is left to end the command.
"""

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios

IN, OUT = 0, 1

ours, theirs = pty.openpty()
before = termios.tcgetattr(theirs)
os.set_blocking(ours, False)
# Wakes `select` when the command has ended.
has_ended, ends = os.pipe()
os.set_blocking(ends, False)
signal.set_wakeup_fd(ends)
signal.signal(signal.SIGCHLD, lambda *_: None)
command = subprocess.Popen(
    sys.argv[1:],
    stdin=theirs,
    stdout=theirs,
    stderr=theirs,
    start_new_session=True,
    # So that the command hangs up with the terminal, whatever becomes of this program.
    preexec_fn=lambda: fcntl.ioctl(IN, termios.TIOCSCTTY, 0),
)


def show() -> None:
    """Passes on all that there is to be seen by now."""
    try:
        while seen := os.read(ours, 65536):
            while seen:
                seen = seen[os.write(OUT, seen) :]
    except BlockingIOError:
        pass


try:
    while command.poll() is None:
        readable, _, _ = select.select([IN, ours, has_ended], [], [])
        if IN in readable:
            keys = os.read(IN, 65536)
            if not keys:
                break
            os.write(ours, keys)
        show()
    show()
finally:
    if command.poll() is None:
        os.killpg(command.pid, signal.SIGKILL)
# `theirs` has stayed open until now, so that its settings can be read.
if termios.tcgetattr(theirs) != before:
    sys.stderr.write("The terminal is not left as it was found.\n")
sys.exit(command.wait())
