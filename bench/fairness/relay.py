"""The distance between two machines: carries packets between two tun devices, each a fixed time late, some never.

Runs inside the namespace in the middle (see line.py): relay.py TUN_A TUN_B DELAY_MS LOSS SEED
`ready` on stdout when it relays; on SIGTERM one line of JSON with what it did, and the end.
"""

import fcntl
import json
import os
import random
import select
import signal
import struct
import sys
import time
from collections import deque

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
PACKET_BYTES = 65_536
# Packets read from one device before the other has its turn.
BURST = 64


class Direction:
    """Packets from one device to the other, in order."""

    def __init__(self, source, target, delay_ns, loss, chance):
        self.source = source
        self.target = target
        self.delay_ns = delay_ns
        self.loss = loss
        self.chance = chance
        self.waiting = deque()
        self.packets = 0
        self.lost = 0
        self.latest_ns = 0

    def read(self):
        for _ in range(BURST):
            try:
                packet = os.read(self.source, PACKET_BYTES)
            except BlockingIOError:
                return
            self.packets += 1
            if self.loss and self.chance.random() < self.loss:
                self.lost += 1
            else:
                self.waiting.append((time.monotonic_ns() + self.delay_ns, packet))

    def deliver(self):
        """Hands over what is due. Returns when the next is, in nanoseconds of the monotonic clock, or None."""
        while self.waiting:
            due, packet = self.waiting[0]
            late = time.monotonic_ns() - due
            if late < 0:
                return due
            self.waiting.popleft()
            self.latest_ns = max(self.latest_ns, late)
            os.write(self.target, packet)
        return None

    def report(self):
        return {'packets': self.packets, 'lost': self.lost, 'latest_ms': self.latest_ns / 1e6}


def open_tun(name):
    tun = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack('16sH22x', name.encode(), IFF_TUN | IFF_NO_PI))
    return tun


def main():
    name_a, name_b, delay_ms, loss, seed = sys.argv[1:]
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    a, b = open_tun(name_a), open_tun(name_b)
    chance = random.Random(seed)
    delay_ns = round(float(delay_ms) * 1e6)
    ways = [Direction(a, b, delay_ns, float(loss), chance), Direction(b, a, delay_ns, float(loss), chance)]
    print('ready', flush=True)
    while not stopping:
        due = [at for at in (way.deliver() for way in ways) if at is not None]
        timeout = max(0, min(due) - time.monotonic_ns()) / 1e9 if due else 0.1
        readable, _, _ = select.select([a, b], [], [], timeout)
        for way in ways:
            if way.source in readable:
                way.read()
    print(json.dumps([way.report() for way in ways]), flush=True)


main()
