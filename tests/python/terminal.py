"""Sits at a terminal: types what it is told, and waits for what it is told.

usage: terminal.py COLUMNS STEPS COMMAND...

STEPS is a JSON list of [TYPED, AWAITED]: once AWAITED has come since the last step, the
next one is typed; TYPED may be empty. A step of three, [TYPED, AWAITED, true], is typed
again every second until AWAITED comes, after a Ctrl-C that empties the line. Prints
{"code", "screen"}: how the command ended, and all that it wrote.
"""

import fcntl
import json
import os
import pty
import select
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


def await_text(text, since, seconds):
    until = time.monotonic() + seconds
    while text.encode() not in screen[since:]:
        left = until - time.monotonic()
        if left <= 0 or not read(left):
            return text.encode() in screen[since:]
    return True


for typed, awaited, *again in steps:
    until = time.monotonic() + LIMIT_S
    while True:
        since = len(screen)
        os.write(terminal, typed.encode())
        if await_text(awaited, since, 1 if again else LIMIT_S):
            break
        if time.monotonic() > until or not again:
            shown = screen.decode(errors="replace")
            sys.exit(f"after {typed!r} there was no {awaited!r}:\n{shown}")
        os.write(terminal, b"\x03")
        read(0.2)

until = time.monotonic() + LIMIT_S
while time.monotonic() < until and read(0.5):
    pass
_, status = os.waitpid(child, 0)
print(json.dumps({"code": os.waitstatus_to_exitcode(status), "screen": screen.decode(errors="replace")}))
