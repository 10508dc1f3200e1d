"""Sits at a terminal: types what it is told, and waits for what it is told.

usage: terminal.py COLUMNS STEPS COMMAND...

STEPS is a JSON list of [TYPED, AWAITED...]: once all that is AWAITED has come since the last
step, one after the other, the next one is typed; TYPED may be empty. A step that ends with
true is typed again every second until it comes, after a Ctrl-C that empties the line. Who
types before the prompt stands there types into a terminal that still waits for whole lines,
in which a Ctrl-D is lost. Prints {"code", "screen"}: how the command ended, and all that it
wrote.
"""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

LIMIT_S = 60

columns, steps, command = int(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
screen = b""


def read(seconds):
    """Reads what comes within that time; False at the end."""
    global screen
    ready, _, _ = select.select([terminal], [], [], seconds)
    if not ready:
        return True
    try:
        data = os.read(terminal, 65536)
    except OSError:  # Linux says so when the other side is closed.
        return False
    screen += data
    return bool(data)


def await_texts(texts, since, seconds):
    """The first of the texts that did not come, or None."""
    until = time.monotonic() + seconds
    for text in texts:
        while (at := screen.find(text.encode(), since)) < 0:
            left = until - time.monotonic()
            if left <= 0 or not read(left):
                return text
        since = at + len(text.encode())
    return None


def shown():
    return screen.decode(errors="replace")


for typed, *awaited in steps:
    until = time.monotonic() + LIMIT_S
    again = awaited[-1] is True
    texts = awaited[:-1] if again else awaited
    while True:
        since = len(screen)
        os.write(terminal, typed.encode())
        missing = await_texts(texts, since, 1 if again else LIMIT_S)
        if missing is None:
            break
        if time.monotonic() > until or not again:
            os.kill(child, signal.SIGKILL)
            sys.exit(f"after {typed!r} there was no {missing!r}:\n{shown()}")
        os.write(terminal, b"\x03")
        read(0.2)

until = time.monotonic() + LIMIT_S
while read(0.5):
    if time.monotonic() > until:
        os.kill(child, signal.SIGKILL)
        sys.exit(f"it did not end:\n{shown()}")
_, status = os.waitpid(child, 0)
print(json.dumps({"code": os.waitstatus_to_exitcode(status), "screen": shown()}))
