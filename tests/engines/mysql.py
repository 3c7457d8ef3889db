"""A private MySQL server. Debian has none in its releases: a directory with packages of
another distribution unpacked in it, MYSQL_ROOT, serves as well, with its own C library."""

import glob
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.mariadb import Mariadb
from engines.private import Private
from tracing import skip


class Mysql(Mariadb):
    """What is said and asked is the same as with MariaDB, by the same client."""

    name = "mysql"

    def __init__(self):
        root = os.environ.get("MYSQL_ROOT")
        self.server = f"{root}/usr/sbin/mysqld" if root else shutil.which("mysqld", path="/usr/sbin:/usr/bin")
        if not self.server or not os.path.exists(self.server):
            skip("no MySQL server is installed, and MYSQL_ROOT leads to none")
        if not shutil.which("mariadb"):
            skip("its client is MariaDB's, which is not installed")
        Private.__init__(self)
        self.socket = os.path.join(self.directory, "socket")
        self.command = [self.server]
        if root:
            (loader,) = glob.glob(f"{root}/usr/lib64/ld-linux-*")
            libraries = ":".join(glob.glob(f"{root}/usr/lib/*-linux-gnu"))
            self.command = [loader, "--library-path", libraries, self.server]
        self.command += ["--no-defaults", f"--basedir={root or ''}/usr", f"--datadir={self.data}"]
        if "MariaDB" in self.run(*self.command, "--version"):
            skip("the MySQL server that is installed is MariaDB's")
        self.run(*self.command, "--initialize-insecure")

    def start(self, **settings):
        self.spawn(
            *self.command, "--skip-networking", "--mysqlx=OFF", "--secure-file-priv=NULL", f"--socket={self.socket}",
            f"--pid-file={self.directory}/pid", *(f"--{name.replace('_', '-')}={v}" for name, v in settings.items()),
        )
        return self
