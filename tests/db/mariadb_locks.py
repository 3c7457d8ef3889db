"""Waits for the locks of MariaDB: of rows, tables and names, also where an error ends them."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from engines.lock_waits import check_locks
from engines.mariadb import Mariadb
from tracing import need_root


def main():
    need_root()
    with Mariadb() as server:
        check_locks(server)
        server.stop()
        print("        the same with a pool of threads")
        check_locks(server, pool=True)


main()
