#!/usr/bin/env python3
"""Packets for tests of the data plane; run inside a pod's network namespace.

packets.py echo PORT...     answers on these ports, TCP, UDP and SCTP, IPv4 and IPv6, until it is ended
packets.py probe SECONDS    reads "PROTOCOL ADDRESS PORT" a line and prints the line with "allowed" or
                            "denied" before it, in order: denied is what was not answered in SECONDS,
                            however often it was asked

The kernel may lack SCTP, so an INIT chunk is sent as a raw packet, with the checksum that
connection tracking wants, and answered by an INIT ACK.
"""
import asyncio
import socket
import struct
import sys
import threading

SCTP = socket.IPPROTO_SCTP
INIT, INIT_ACK = 1, 2
SOURCE = 40000
FREEBIND = {socket.AF_INET: (socket.IPPROTO_IP, 15), socket.AF_INET6: (socket.IPPROTO_IPV6, 78)}  # linux/in.h


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def sctp_packet(chunk, source, destination, tag):
    body = struct.pack(">BBHIIHHI", chunk, 0, 20, 0x1234, 65535, 1, 1, 7)
    head = struct.pack(">HHI", source, destination, tag)
    checksum = struct.pack("<I", crc32c(head + b"\0\0\0\0" + body))
    return head + checksum + body


def sctp_of(packet, family):
    if family == socket.AF_INET:
        packet = packet[(packet[0] & 15) * 4:]
    if len(packet) < 13:
        return None
    source, destination, _tag = struct.unpack(">HHI", packet[:8])
    return packet[12], source, destination


def asked_address(packet, control, family):
    """The address that a packet was sent to: of many that are this host's without being assigned to it."""
    if family == socket.AF_INET:
        return socket.inet_ntop(family, packet[16:20])
    return next(socket.inet_ntop(family, data[:16]) for _, kind, data in control if kind == socket.IPV6_PKTINFO)


def echo_sctp(family, ports):
    raw = socket.socket(family, socket.SOCK_RAW, SCTP)
    if family == socket.AF_INET6:
        raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    while True:
        packet, control, _flags, peer = raw.recvmsg(2048, 256)
        seen = sctp_of(packet, family)
        if not seen or seen[0] != INIT or seen[2] not in ports:
            continue
        with socket.socket(family, socket.SOCK_RAW, SCTP) as answer:
            answer.setsockopt(*FREEBIND[family], 1)
            answer.bind((asked_address(packet, control, family), 0))
            answer.sendto(sctp_packet(INIT_ACK, seen[2], seen[1], 0x1234), (peer[0], 0))


def echo_udp(port):
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    # the answer must come from the address that was asked
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    udp.setsockopt(*FREEBIND[socket.AF_INET6], 1)
    udp.bind(("::", port))
    while True:
        data, control, _flags, peer = udp.recvmsg(64, 256)
        udp.sendmsg([data], [c for c in control if c[1] == socket.IPV6_PKTINFO], 0, peer)


def echo_tcp(port):
    tcp = socket.create_server(("::", port), family=socket.AF_INET6, backlog=128, dualstack_ipv6=True)
    while True:
        tcp.accept()[0].close()


def echo(ports):
    for port in ports:
        threading.Thread(target=echo_tcp, args=(port,), daemon=True).start()
        threading.Thread(target=echo_udp, args=(port,), daemon=True).start()
    for family in (socket.AF_INET, socket.AF_INET6):
        threading.Thread(target=echo_sctp, args=(family, ports), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


async def probe_tcp(address, port, seconds):
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), seconds)
        writer.close()
        return True
    except asyncio.TimeoutError:
        return False


async def repeatedly(send, answered, seconds):
    for _ in range(max(1, int(seconds / 0.4))):
        send()
        try:
            await asyncio.wait_for(asyncio.shield(answered), 0.4)
            return True
        except asyncio.TimeoutError:
            continue
    return False


async def probe_udp(address, port, seconds):
    loop = asyncio.get_running_loop()
    answered = loop.create_future()

    class Answer(asyncio.DatagramProtocol):
        def datagram_received(self, data, addr):
            if not answered.done():
                answered.set_result(True)

        def error_received(self, exc):
            raise SystemExit(f"packets.py: {address} {port}: {exc}: nothing echoes there")

    transport, _ = await loop.create_datagram_endpoint(Answer, remote_addr=(address, port))
    try:
        return await repeatedly(lambda: transport.sendto(b"?"), answered, seconds)
    finally:
        transport.close()


def listen_sctp(loop, waiting):
    for family in (socket.AF_INET, socket.AF_INET6):
        raw = socket.socket(family, socket.SOCK_RAW, SCTP)
        raw.setblocking(False)

        def received(raw=raw, family=family):
            packet, peer = raw.recvfrom(2048)
            seen = sctp_of(packet, family)
            future = waiting.get((peer[0], seen[1], seen[2])) if seen and seen[0] == INIT_ACK else None
            if future and not future.done():
                future.set_result(True)

        loop.add_reader(raw, received)


async def probe_sctp(address, port, seconds, waiting, source):
    answered = asyncio.get_running_loop().create_future()
    waiting[(address, port, source)] = answered
    raw = socket.socket(family_of(address), socket.SOCK_RAW, SCTP)
    with raw:
        packet = sctp_packet(INIT, source, port, 0)
        return await repeatedly(lambda: raw.sendto(packet, (address, 0)), answered, seconds)


async def probe(seconds, lines):
    waiting, work = {}, []
    listen_sctp(asyncio.get_running_loop(), waiting)
    for number, line in enumerate(lines):
        protocol, address, port = line.split()[:3]
        port = int(port)
        if protocol == "tcp":
            work.append(probe_tcp(address, port, seconds))
        elif protocol == "udp":
            work.append(probe_udp(address, port, seconds))
        else:
            work.append(probe_sctp(address, port, seconds, waiting, SOURCE + number))
    for line, passed in zip(lines, await asyncio.gather(*work)):
        print("allowed" if passed else "denied", line)


if __name__ == "__main__":
    if sys.argv[1] == "echo":
        echo([int(port) for port in sys.argv[2:]])
    else:
        asyncio.run(probe(float(sys.argv[2]), sys.stdin.read().splitlines()))
