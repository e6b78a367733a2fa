"""`signalroom dev` in one terminal, commands in another."""

import json
import subprocess

import pytest
from house import BINARY, ROOT, Child, until


PORTS = "ports = {} for i = 1, 200 do ports[i] = require('cli.host').free_port() end return ports"


@pytest.fixture(scope="module")
def dev(house):
    """It has a server of its own, and the house's database."""
    state = house.folder / "neighbour"
    env = {**house.environment(), "XDG_STATE_HOME": str(state), "HOME": str(state)}
    del env["TEMPORAL_ADDRESS"]
    log = house.folder / "dev.log"
    child = Child([BINARY, "dev", "--headless", "--scripts", ROOT / "scripts"], log, cwd=ROOT, env=env)
    until(lambda: "Stop with Ctrl-C" in log.read_text() or child.process.poll() is not None, 180, "the dev server")
    assert child.process.poll() is None, log.read_text()
    yield child, env, state / "signalroom/dev/neighbour.json"
    child.end()


def test_commands_find_the_servers_of_dev_and_mix_them_with_no_others(house, dev):
    child, env, note = dev
    address = json.loads(note.read_text())["TEMPORAL_ADDRESS"]

    def repl(statement, **environment):
        kept = {k: v for k, v in env.items() if k != "DATABASE_URL"}
        return subprocess.run([str(BINARY), "repl", "-e", statement], capture_output=True, text=True, timeout=120, cwd=ROOT,
                              env={**kept, **environment})

    assert repl("require('rpc').address()").stdout.strip() == address
    assert repl('sql "select 1 as n"').returncode == 0
    assert repl("require('rpc').address()", DATABASE_URL="postgresql://elsewhere/db").stdout.strip() == "localhost:7233"
    assert repl('sql "select 1 as n"', TEMPORAL_ADDRESS="prod.example:7233").returncode == 3, "no database is named"
    assert note.stat().st_mode & 0o777 == 0o600
    assert child.end() == 0 and not note.exists()
    assert repl("require('rpc').address()").stdout.strip() == "localhost:7233"


def test_ports_of_servers_that_are_started_at_once_are_not_the_same(house):
    several = [subprocess.Popen([str(BINARY), "repl", "--json", "-e", PORTS], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=house.environment())
               for _ in range(3)]
    ports = [port for one in several for port in json.loads(one.communicate(timeout=240)[0])["value"]]
    assert len(set(ports)) == len(ports) == 600
