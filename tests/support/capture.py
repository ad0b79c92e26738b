# Writes a line for each kind of packet that this machine sends, whichever interface it leaves by, and for each that opens
# something: TIME INTERFACE PROTOCOL SOURCE DESTINATION PORT [opens]. Only TCP and UDP: the rest is the system's own.
import ipaddress
import socket
import sys
import time

ETH_P_ALL = 3
OUTGOING = 4
PROTOCOLS = {6: "tcp", 17: "udp"}


def parse(packet):
    """(protocol, source, destination, the packet within), or None."""
    kind = int.from_bytes(packet[12:14], "big")
    if kind == 0x0800:
        header = (packet[14] & 15) * 4
        source, destination = packet[26:30], packet[30:34]
        return packet[23], source, destination, packet[14 + header :]
    if kind == 0x86DD:
        return packet[20], packet[22:38], packet[38:54], packet[54:]
    return None


def main():
    seen = set()
    capture = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    print("capturing", flush=True)
    while True:
        packet, (interface, _, direction, *_) = capture.recvfrom(128)
        parsed = parse(packet) if direction == OUTGOING else None
        if parsed is None or parsed[0] not in PROTOCOLS:
            continue
        number, source, destination, within = parsed
        port = int.from_bytes(within[2:4], "big")
        # A packet that asks for a connection, or a datagram: somebody wants something.
        opens = number == 17 or within[13] & 0x12 == 0x02
        key = (interface, number, source, destination)
        if key in seen and not opens:
            continue
        seen.add(key)
        ips = [str(ipaddress.ip_address(ip)) for ip in (source, destination)]
        print(f"{time.time() * 1000:.0f}", interface, PROTOCOLS[number], *ips, port, *(["opens"] if opens else []), flush=True)


sys.exit(main())
