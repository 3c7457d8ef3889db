"""A private MariaDB server, and a client of its library: the command line's client knows
no prepared statements in the binary protocol."""

import ctypes
import glob
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.kernel import forget_cached
from engines.private import Private
from tracing import skip

SETTINGS = {
    "performance_schema": "ON",
    "innodb_flush_log_at_trx_commit": 0,
    "innodb_fast_shutdown": 1,
    "max_connections": 200,
}
MULTI_STATEMENTS = 1 << 16


class Mariadb(Private):
    name = "mariadb"
    users = ("mysql",)

    def __init__(self):
        self.server = shutil.which("mariadbd", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        install = shutil.which("mariadb-install-db")
        if not self.server or not install:
            skip("no MariaDB server is installed")
        super().__init__()
        self.socket = os.path.join(self.directory, "socket")
        self.run(
            install, "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db",
            f"--datadir={self.data}", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0",
        )

    def use_own_copy(self):
        """Before start(): a program that nobody else runs."""
        self.server = shutil.copy(self.server, self.directory)

    def start(self, pool=False, **settings):
        """pool: a pool of threads serves the connections, instead of a thread each."""
        settings = {**SETTINGS, **settings}
        settings["thread_handling"] = "pool-of-threads" if pool else "one-thread-per-connection"
        self.spawn(
            self.server, "--no-defaults", "--basedir=/usr", "--skip-networking", f"--datadir={self.data}", f"--socket={self.socket}",
            f"--pid-file={self.directory}/pid", *(f"--{name.replace('_', '-')}={v}" for name, v in settings.items()),
        )
        return self

    def restart_cold(self, pool=False, **settings):
        """Restarted, with no page in its or the kernel's cache; it reads with O_DIRECT anyway."""
        self.stop()
        forget_cached(glob.glob(os.path.join(self.data, "**/*.ibd"), recursive=True))
        self.start(pool, innodb_buffer_pool_load_at_startup="OFF", **settings)

    def answers(self):
        if not os.path.exists(self.socket):
            return False
        try:
            Connection(self.socket).close()
        except ServerError:
            return False
        return True

    def connect(self, database=None):
        return Connection(self.socket, database)

    def sql(self, text, database=""):
        """Statements through the command line's client: rows as lists of strings."""
        printed = self.run("mariadb", "--no-defaults", "-uroot", f"-S{self.socket}", "-BN", "-D", database, text=text)
        return [line.split("\t") for line in printed.splitlines()]

    def status(self, like):
        """The counters of SHOW GLOBAL STATUS: {name: number}. Asking is a question itself, counted before it answers."""
        rows = self.sql(f"SHOW GLOBAL STATUS LIKE '{like}'")
        return {name: int(value) for name, value in rows if value.isdigit()}

    def times(self):
        """performance_schema's sum of each kind of command, {name: (count, seconds)}: text is
        statement/sql/select and the like, a prepared one executed is statement/com/Execute."""
        rows = self.sql(
            "SELECT EVENT_NAME, COUNT_STAR, SUM_TIMER_WAIT"
            " FROM performance_schema.events_statements_summary_global_by_event_name WHERE COUNT_STAR > 0"
        )
        return {name: (int(count), int(picoseconds) / 1e12) for name, count, picoseconds in rows}

    def peak_memory(self, connection):
        """The most bytes that a session had for itself, since it began."""
        ((peak,),) = self.sql(
            f"SELECT max_memory_used FROM information_schema.processlist WHERE id = {connection.id}"
        )
        return int(peak)

    def digests(self):
        """performance_schema's sum of each normalised statement: {text: (count, seconds)}.
        Prepared ones are not in it, and of a string of several only the first."""
        rows = self.sql(
            "SELECT DIGEST_TEXT, COUNT_STAR, SUM_TIMER_WAIT FROM performance_schema.events_statements_summary_by_digest"
        )
        return {text: (int(count), int(picoseconds) / 1e12) for text, count, picoseconds in rows}

    def forget_statements(self):
        """times() and digests() begin anew."""
        for of in ("by_digest", "global_by_event_name"):
            self.sql(f"TRUNCATE TABLE performance_schema.events_statements_summary_{of}")

    def threads(self):
        """The server's threads as the kernel knows them."""
        return [int(tid) for tid in os.listdir(f"/proc/{self.pid}/task")]


class ServerError(Exception):
    """What the server, or the way to it, answered."""


def _library():
    try:
        library = ctypes.CDLL("libmariadb.so.3")
    except OSError:
        skip("libmariadb3 is not installed")
    for function in ("mysql_init", "mysql_real_connect", "mysql_store_result", "mysql_stmt_init"):
        getattr(library, function).restype = ctypes.c_void_p
    for function in ("mysql_error", "mysql_stmt_error"):
        getattr(library, function).restype = ctypes.c_char_p
    library.mysql_thread_id.restype = ctypes.c_ulong
    library.mysql_stmt_param_count.restype = ctypes.c_ulong
    return library


class Connection:
    """One session. Its calls block without Python's lock, so threads may have one each."""

    def __init__(self, socket, database=None):
        self.library = _library()
        self.session = ctypes.c_void_p(self.library.mysql_init(None))
        if not self.library.mysql_real_connect(
            self.session, None, b"root", b"", database.encode() if database else None, 0, socket.encode(),
            ctypes.c_ulong(MULTI_STATEMENTS),
        ):
            message = self.error()
            self.close()
            raise ServerError(message)

    def error(self):
        return self.library.mysql_error(self.session).decode(errors="replace")

    @property
    def id(self):
        return self.library.mysql_thread_id(self.session)

    def os_thread(self, server):
        """The kernel's number of the thread that serves it; not for the pool of threads."""
        ((tid,),) = server.sql(f"SELECT thread_os_id FROM performance_schema.threads WHERE processlist_id = {self.id}")
        return int(tid)

    def query(self, text):
        """COM_QUERY, with all of its results."""
        data = text.encode()
        if self.library.mysql_real_query(self.session, data, ctypes.c_ulong(len(data))):
            raise ServerError(self.error())
        while True:
            result = ctypes.c_void_p(self.library.mysql_store_result(self.session))
            if result:
                self.library.mysql_free_result(result)
            more = self.library.mysql_next_result(self.session)
            if more > 0:
                raise ServerError(self.error())
            if more < 0:
                return

    def prepare(self, text):
        return Statement(self, text)

    def close(self):
        self.library.mysql_close(self.session)


class Statement:
    """A statement prepared in the binary protocol, without parameters: COM_STMT_*."""

    def __init__(self, connection, text):
        self.library = connection.library
        self.handle = ctypes.c_void_p(self.library.mysql_stmt_init(connection.session))
        data = text.encode()
        if self.library.mysql_stmt_prepare(self.handle, data, ctypes.c_ulong(len(data))):
            message = self.library.mysql_stmt_error(self.handle).decode(errors="replace")
            self.close()
            raise ServerError(message)

    def execute(self):
        if self.library.mysql_stmt_execute(self.handle) or self.library.mysql_stmt_store_result(self.handle):
            raise ServerError(self.library.mysql_stmt_error(self.handle).decode(errors="replace"))
        self.library.mysql_stmt_free_result(self.handle)

    def close(self):
        self.library.mysql_stmt_close(self.handle)
