"""DuckDB through its C library, for peers' figures: one thread, no extensions from outside."""
import ctypes
import time
from pathlib import Path


class Duck:
    def __init__(self, library: Path, threads: int = 1, memory: str = "8GB"):
        self.lib = ctypes.CDLL(str(library))
        self.lib.duckdb_query.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        self.lib.duckdb_result_error.restype = ctypes.c_char_p
        self.lib.duckdb_result_error.argtypes = [ctypes.c_void_p]
        self.db, self.con = ctypes.c_void_p(), ctypes.c_void_p()
        assert self.lib.duckdb_open(None, ctypes.byref(self.db)) == 0
        assert self.lib.duckdb_connect(self.db, ctypes.byref(self.con)) == 0
        for setting in (f"threads={threads}", f"memory_limit='{memory}'", "autoinstall_known_extensions=false",
                        "autoload_known_extensions=false", "allow_community_extensions=false"):
            self.query(f"SET {setting}")

    def query(self, sql: str) -> float:
        """Runs the statement and gives its seconds."""
        result = (ctypes.c_char * 256)()
        start = time.monotonic()
        failed = self.lib.duckdb_query(self.con, sql.encode(), ctypes.byref(result))
        elapsed = time.monotonic() - start
        if failed:
            raise RuntimeError(self.lib.duckdb_result_error(ctypes.byref(result)).decode())
        self.lib.duckdb_destroy_result(ctypes.byref(result))
        return elapsed
