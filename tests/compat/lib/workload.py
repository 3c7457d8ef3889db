#!/usr/bin/env python3
"""Does what tracing programs look at, over and over, until standard input is closed. It
prints a line when it has done everything once.

usage: workload.py ACT...     names of the functions below

Everything it leaves in a tracer's output can be told from what the rest of the machine
does: its process id, its name "memql-compat", or the word MARK.
"""

import ctypes
import mmap
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

MARK = "memql-compat"
PR_SET_NAME = 15
SYS_STAT = 4  # of x86_64; newer C libraries use another one
PAUSE = 0.05  # seconds between two rounds
libc = ctypes.CDLL(None, use_errno=True)


class Workload:
    def __init__(self, directory):
        self.directory = directory
        self.file = os.path.join(directory, "file")
        self.disk = os.environ.get("MEMQL_TEST_DISK")  # a whole disk to write to
        self.memory = mmap.mmap(-1, 4096)  # direct I/O wants it aligned
        self.server = None

    # Files.
    def open(self):
        for path in (f"/{MARK}-absent", f"{MARK}-absent"):
            try:
                os.close(os.open(path, os.O_RDONLY))
            except FileNotFoundError:
                pass

    def stat(self):
        os.statvfs("/")
        libc.syscall(SYS_STAT, f"/{MARK}-absent".encode(), ctypes.create_string_buffer(512))

    def read(self):
        with open("/proc/self/status", "rb") as file:
            file.read()

    def write(self):
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(MARK * 1000)
            file.flush()
            os.fsync(file.fileno())

    def sync(self):
        if self.disk:
            with open(self.disk, "r+b") as file:
                file.write(os.urandom(1 << 16))
        else:
            self.write()
        os.sync()

    def direct(self):
        """Block I/O by this process, not by a kernel thread later on."""
        fd = os.open(self.disk or self.file, os.O_RDWR | os.O_CREAT | os.O_DIRECT)
        try:
            os.pwrite(fd, self.memory, 0)
            os.preadv(fd, [self.memory], 0)
        finally:
            os.close(fd)

    # Processes.
    def kill(self):
        os.kill(os.getpid(), signal.SIGCONT)

    def nap(self):
        libc.usleep(20000)  # relative, as time.sleep() is not

    def setuid(self):
        libc.setuid(os.getuid())
        libc.setfsuid(os.getuid())
        libc.setresuid(-1, -1, -1)

    def execute(self):
        subprocess.run(["/bin/true", MARK], check=True)

    def thread(self):
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()

    def spin(self):
        end = time.monotonic() + 0.1
        while time.monotonic() < end:
            pass

    def readline(self):
        """A shell at a terminal, with a line typed into it."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execv("/bin/bash", ["bash", "--norc", "--noprofile", "-i"])
        try:
            os.write(fd, f": {MARK}\nexit\n".encode())
            while select.select([fd], [], [], 2)[0] and os.read(fd, 4096):
                pass
        except OSError:
            pass  # its end of the terminal is closed
        os.close(fd)
        os.waitpid(pid, 0)

    def out_of_memory(self):
        """The kernel's own key for it; the victim volunteers. Not on a machine in use."""
        if "MEMQL_TEST_GUEST" not in os.environ:
            return
        victim = os.fork()
        if victim == 0:
            with open("/proc/self/oom_score_adj", "w", encoding="utf-8") as file:
                file.write("1000")
            time.sleep(60)
            os._exit(0)
        time.sleep(0.2)
        with open("/proc/sysrq-trigger", "w", encoding="utf-8") as file:
            file.write("f")
        os.waitpid(victim, 0)

    # Sockets, all of them on this machine.
    def resolve(self):
        try:
            socket.getaddrinfo("localhost", 80)
        except OSError:
            pass

    def unix(self):
        left, right = socket.socketpair()
        left.send(MARK.encode())
        right.recv(100)
        left.close()
        right.close()

    def tcp(self):
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen(5)
            with socket.create_connection(server.getsockname()) as client:
                peer, _ = server.accept()
                client.send(MARK.encode())
                peer.recv(100)
                peer.close()

    def tcp_retransmit(self):
        """A full queue of connections: the next one's first packet is sent again."""
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))
            server.listen(0)
            clients = []
            for _ in range(3):
                client = socket.socket()
                client.setblocking(False)
                client.connect_ex(server.getsockname())
                clients.append(client)
                time.sleep(0.02)
            time.sleep(1.5)  # the first repetition comes after a second
            for client in clients:
                client.close()

    def tls(self):
        """A handshake and a message, without certificates, within this process."""
        import ssl  # takes its time

        ends = []
        pipes = [ssl.MemoryBIO(), ssl.MemoryBIO()]
        for side, protocol in enumerate((ssl.PROTOCOL_TLS_CLIENT, ssl.PROTOCOL_TLS_SERVER)):
            context = ssl.SSLContext(protocol)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("aNULL:@SECLEVEL=0")
            ends.append(context.wrap_bio(pipes[side], pipes[1 - side], server_side=side == 1))
        done = set()
        while len(done) < 2:
            for end in ends:
                try:
                    end.do_handshake()
                    done.add(end)
                except ssl.SSLWantReadError:
                    pass
        ends[0].write(MARK.encode())
        ends[1].read(100)


def main():
    libc.prctl(PR_SET_NAME, MARK.encode(), 0, 0, 0)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        os.chdir(directory)
        work = Workload(directory)
        acts = [getattr(work, name) for name in sys.argv[1:]]
        first = True
        while first or not select.select([sys.stdin], [], [], PAUSE)[0]:
            for act in acts:
                act()
            if first:
                print("running", flush=True)
            first = False
        os.chdir("/")


main()
