#!/usr/bin/env python3
"""skboutput(): the files against the datagrams that this test has sent on loopback."""

import os
import socket
import struct
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tracing import Memql, check, need_root, run_memql

ETHERNET, IP, UDP = 14, 20, 8
SIZES = [0, 1, 100, 1000, 1400, 7, 512]
PROBE = f"tracepoint:net:net_dev_queue /pid == {os.getpid()}/ "
SKB = "(struct sk_buff *)args.skbaddr"


def parse(path):
    """[(seconds, bytes, length)] of a pcap file."""
    with open(path, "rb") as f:
        data = f.read()
    magic, major, minor, _, _, snap, link = struct.unpack_from("=IHHIIII", data)
    check((magic, major, minor, link) == (0xA1B23C4D, 2, 4, 101) and snap >= 16384, f"{path}: its header")
    packets, at = [], 24
    while at < len(data):
        seconds, ns, taken, length = struct.unpack_from("=IIII", data, at)
        check(ns < 10**9 and taken <= length and at + 16 + taken <= len(data), f"{path}: a packet's header")
        packets.append((seconds + ns / 1e9, data[at + 16 : at + 16 + taken], length))
        at += 16 + taken
    return packets


def send(payloads):
    """Each to a socket of its own process; returns both ports."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as by:
        to.bind(("127.0.0.1", 0))
        by.bind(("127.0.0.1", 0))
        for payload in payloads:
            by.sendto(payload, to.getsockname())
            check(to.recv(65536) == payload, "it arrives")
        return by.getsockname()[1], to.getsockname()[1]


def trace(directory, name, body, payloads):
    memql = Memql(directory, name, ["-e", PROBE + "{ " + body + " }"])
    begin = time.time()
    ports = send(payloads)
    end = time.time()
    return memql.stop(), begin, end, ports, memql.events()


def whole(directory):
    path, cut = os.path.join(directory, "all.pcap"), os.path.join(directory, "cut.pcap")
    with open(path, "w") as f:
        f.write("what was there before" * 1000)
    payloads = [os.urandom(n) for n in SIZES]
    body = f'$r = skboutput("{path}", {SKB}, args.len, 14); @[$r] = count(); skboutput("{cut}", {SKB}, 40, 0);'
    messages, begin, end, ports, events = trace(directory, "whole", body, payloads)
    check("lost" not in messages and not [e for e in events if e.get("type") == "lost"], f"nothing is lost: {messages}")
    packets, frames = parse(path), parse(cut)
    check(len(packets) == len(SIZES) == len(frames), f"{len(packets)} and {len(frames)} packets")
    check([p[0] for p in packets] == sorted(p[0] for p in packets), "they are in order")
    for (when, data, length), (_, frame, full), payload in zip(packets, frames, payloads):
        check(data[0] == 0x45 and data[9] == socket.IPPROTO_UDP, "it begins with IP's header")
        check(struct.unpack_from("!HH", data, IP) == ports, "the ports")
        check(data[IP + UDP :] == payload and len(data) == length == IP + UDP + len(payload), "its bytes")
        check(begin - 0.1 <= when <= end + 0.1, f"its time: {begin} {when} {end}")
        check(full == length + ETHERNET and len(frame) == min(40, full), "cut, but not its length")
        check(frame[12:14] == b"\x08\x00" and frame[ETHERNET:] == data[: len(frame) - ETHERNET], "the same packet")


def limits(directory):
    """Longer than what is kept; an offset behind the end; no packet at all."""
    paths = [os.path.join(directory, name + ".pcap") for name in ("long", "computed", "beyond", "none")]
    payload = os.urandom(5000)
    body = (
        f'skboutput("{paths[0]}", {SKB}, 16384, 14); skboutput("{paths[1]}", {SKB}, args.len, 14);'
        f' skboutput("{paths[2]}", {SKB}, args.len, args.len + 1); skboutput("{paths[3]}", (struct sk_buff *)0, 10, 0);'
    )
    messages, _, _, _, events = trace(directory, "limits", body, [payload])
    [(_, data, length)] = parse(paths[0])
    [(_, computed, same)] = parse(paths[1])
    check(length == same == IP + UDP + 5000, f"its length: {length}, {same}")
    check(len(data) >= IP + UDP and payload.startswith(data[IP + UDP :]), f"its first {len(data)} bytes")
    check(computed == data[:1536], f"of a computed length {len(computed)} bytes of {len(data)}")
    check(parse(paths[2])[0][1:] == (b"", 0), "nothing is behind the end")
    check(not os.path.exists(paths[3]) and "memory could not be read" in messages + str(events), "no packet is told")


def unwritable(directory):
    for path, what in ((os.path.join(directory, "no", "x.pcap"), "No such file"), ("/dev/full", "No space left")):
        messages, _, _, _, events = trace(directory, "bad", f'skboutput("{path}", {SKB}, 64, 14);', [b"a", b"b", b"c"])
        told = messages + str(events)
        check(told.count(what) == 1, f"{path}: told once: {told}")
        check("could not be written" in told, f"{path}: the packets count as lost: {told}")


def refusals():
    for call, error in (
        ('skboutput("x", args.skbaddr, 10, 0)', "a packet is a struct sk_buff *"),
        (f'skboutput("x", {SKB}, 16385, 0)', "from 1 to 16384"),
        (f'skboutput(comm, {SKB}, 10, 0)', "error"),
        (f'skboutput("x", {SKB}, 10)', "expected"),
    ):
        done = run_memql("-e", PROBE + "{ " + call + "; }")
        check(done.returncode != 0 and error in done.stderr, f"{call}: {done.stderr}")


def main():
    need_root()
    with tempfile.TemporaryDirectory() as directory:
        whole(directory)
        limits(directory)
        unwritable(directory)
    refusals()


main()
