"""Runs a command in a network of its own, from which one port leads to a server, until it is cut.

    python cut_network.py PORT COMMAND ...

SIGUSR1 takes the network's interface down: nothing arrives any more at either end, and nobody is
told, as when a cable is pulled. What leads to the server ends when the kernel has noticed.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
NOTICED = 3_000  # milliseconds


def enter() -> bool:
    """Go into a network that has nothing but a loopback interface; false if that is forbidden."""
    own = (os.getuid(), os.getgid())
    if ctypes.CDLL(None).unshare(CLONE_NEWUSER | CLONE_NEWNET):
        return False
    try:
        for name, text in (
            ("uid_map", f"{own[0]} {own[0]} 1"),
            ("setgroups", "deny"),
            ("gid_map", f"{own[1]} {own[1]} 1"),
        ):
            Path("/proc/self", name).write_text(text, encoding="ascii")
        switch(up=True)
    except OSError:
        return False
    return True


def switch(*, up: bool) -> None:
    """Bring the interface up, or take it down."""
    with socket.socket() as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))
        flags = flags | IFF_UP if up else flags & ~IFF_UP
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags))


def dial(calls: socket.socket, port: int) -> None:
    """Connect to the server as often as the other end asks, from outside of that network."""
    while calls.recv(1):
        with socket.create_connection(("127.0.0.1", port)) as made:
            socket.send_fds(calls, [b"x"], [made.fileno()])


def forward(port: int, calls: socket.socket) -> None:
    """Take connections at the same port, and connect each to the server."""
    listening = socket.create_server(("127.0.0.1", port))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, NOTICED)

    def accept() -> None:
        while True:
            near, _ = listening.accept()
            calls.send(b"x")
            _, (descriptor,), _, _ = socket.recv_fds(calls, 1, 1)
            far = socket.socket(fileno=descriptor)
            for pair in ((near, far), (far, near)):
                threading.Thread(target=copy, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def copy(source: socket.socket, target: socket.socket) -> None:
    """Copy what comes, until one of them has ended; then end both."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def main() -> int:
    """Run it, and return its exit code; 99 if there can be no such network."""
    port, command = int(sys.argv[1]), sys.argv[2:]
    here, there = socket.socketpair()
    if not os.fork():
        here.close()
        dial(there, port)
        os._exit(0)
    there.close()
    if not enter():
        return 99
    signal.signal(signal.SIGUSR1, lambda *_: switch(up=False))
    forward(port, here)
    with subprocess.Popen(command) as process:
        return process.wait()


if __name__ == "__main__":
    sys.exit(main())
