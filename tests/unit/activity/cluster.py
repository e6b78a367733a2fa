"""A private PostgreSQL cluster: prints its url, and ends when its standard input closes."""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "live"))
from house import Postgres  # noqa: E402

with tempfile.TemporaryDirectory(prefix="signalroom-") as folder:
    pathlib.Path(folder).chmod(0o755)
    postgres = Postgres(folder)
    try:
        print(postgres.url, flush=True)
        sys.stdin.read()
    finally:
        postgres.end()
