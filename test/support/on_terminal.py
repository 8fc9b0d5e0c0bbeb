"""Runs a command on a terminal of its own; passes this program's input to it and shows its output.

Exits with the command's exit code. Prints a line to standard error if the command leaves the
terminal's settings changed. Kills the command when the input ends: the process that started this
program is gone then, and no other process would end the command.
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
# SIGCHLD writes to this pipe, which wakes `select` when the command has ended.
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
    # The command gets SIGHUP when its terminal closes, even if this program is killed.
    preexec_fn=lambda: fcntl.ioctl(IN, termios.TIOCSCTTY, 0),
)


def show() -> None:
    """Copies to standard output all that the command has written to the terminal so far."""
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
