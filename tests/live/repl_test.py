"""Dialogues with `signalroom repl` under a real pseudo-terminal, and without one."""

import json
import shutil
import signal
import subprocess
import uuid

import pytest
from house import BINARY, EVERFLOW_KEY, ROOT, Worker, until
from sync_test import D1, truth
from terminal import CTRL_C, CTRL_D, ENTER, TAB, UP, Terminal


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """A copy of the scripts that stories may edit."""
    folder = tmp_path_factory.mktemp("repl") / "scripts"
    shutil.copytree(ROOT / "scripts", folder)
    return folder


@pytest.fixture(scope="module")
def loaded(house, scripts):
    """The vendor has a day, the database is migrated, a worker serves."""
    house.everflow.control("reset", {})
    house.everflow.control("data", truth(D1))
    house.empty_database()
    with Worker(house, scripts=scripts):
        yield house


@pytest.fixture
def home(tmp_path):
    return tmp_path


@pytest.fixture
def sit(house, scripts, home):
    """Sits down at a terminal; whoever was started is ended."""
    open_terminals = []

    def sit(columns=100, environment=None, *options):
        env = {**house.environment(), "HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "TERM": "xterm", "LANG": "C.UTF-8",
               **(environment or {})}
        terminal = Terminal([BINARY, "repl", "--scripts", scripts, *options], columns, cwd=ROOT, env=env)
        open_terminals.append(terminal)
        terminal.greeting = terminal.prompt()
        return terminal

    yield sit
    for terminal in open_terminals:
        terminal.close()


@pytest.fixture
def repl(sit):
    return sit()


def piped(house, scripts, text, *options, environment=None):
    """The REPL without a terminal."""
    return subprocess.run([str(BINARY), "repl", "--scripts", str(scripts), *options], input=text, capture_output=True, text=True, timeout=120,
                          cwd=ROOT, env={**house.environment(), **(environment or {})})


def history_file(home):
    return (home / "state/signalroom/history").read_text()


# --- the language ---


def test_expressions_show_values_and_assignments_stay(repl):
    assert repl.say("1 + 1") == "2\n"
    assert repl.say("x = 20") == ""
    assert repl.say("x + _ + 1") == "23\n"
    assert repl.say("local y = x * 2") == "", "a local at the prompt stays, too"
    assert repl.say("y") == "40\n"
    assert repl.say("1, 'two', nil") == "1\ntwo\nnil\n"


def test_a_statement_goes_on_until_it_is_whole(repl):
    assert repl.say("function double(n)") == ""
    assert repl.say("  return n * 2") == ""
    assert repl.say("end") == ""
    assert repl.say("double(21)") == "42\n"


def test_an_expression_goes_on_too_and_what_is_wrong_in_it_is_named(repl):
    repl.send("1 +" + ENTER)
    assert repl.prompt().endswith("..> ")
    assert repl.say("2") == "3\n"
    assert "unexpected symbol near '*'" in repl.say("1 +* 2")
    assert "'=' expected near 'bar'" in repl.say("foo bar")
    assert "'<eof>' expected near 'end'" in repl.say("print(1) end")


def test_help_and_quit_need_no_colon(sit):
    terminal = sit()
    assert "Commands: :help [NAME]" in terminal.say("help")
    terminal.send("exit" + ENTER)
    assert terminal.ended() == 0


def test_ctrl_c_gives_up_the_lines_so_far(repl):
    repl.say("for i = 1, 3 do")
    assert repl.say("print(i)", end=CTRL_C) == ""
    assert repl.say("'as new'") == "as new\n"


def test_pasted_lines_are_seen_before_they_run_and_tabs_complete_nothing(repl):
    repl.send("\x1b[200~rows = {\n\t{ id = 1 },\n\t{ id = 2 },\n}\nprint(#rows)\x1b[201~")
    assert "{ id = 2 }" in repl.until("print(#rows)")
    assert repl.say("") .endswith("2\n")
    assert repl.say("rows[2].id") == "2\n"


def test_lines_pasted_by_a_terminal_without_marks_run_one_by_one(repl):
    repl.send("function f()\r  return 'pasted'\rend\rf()\r")
    repl.shown(lambda text: text.endswith("\npasted\nsr> "), "the result")


def test_errors_name_type_message_place_and_what_to_do(repl):
    assert repl.say("error('boom')") == "LuaError: boom (repl:1)\n"
    assert repl.say("error(ValueError 'no such date')") == "ValueError: no such date (repl:1)\n"
    assert repl.say("triger('everflow')") == ("LuaError: attempt to call global 'triger' (a nil value) (repl:1)\n"
                                              "  -> did you mean trigger?\n")
    assert repl.say("x = 'never closed") == "SyntaxError: unfinished string near '<eof>' (repl:1)\n"
    assert repl.say("x = = 1") == "SyntaxError: unexpected symbol near '=' (repl:1)\n"


def test_values_and_errors_that_cannot_say_what_they_are_harm_nobody(repl):
    repl.say("function mute() error('no words') end")
    assert repl.say("setmetatable({}, { __tostring = mute })") == "LuaError: no words (repl:1)\n"
    assert repl.say("error(setmetatable({}, { __tostring = mute }))") == "LuaError: an error was raised that fails to say what it is (repl:1)\n"
    begin(repl, "return setmetatable({}, { __tostring = function() while true do end end })")
    repl.send(CTRL_C)
    assert "Interrupted" in repl.prompt()


def test_utf8_is_typed_edited_and_aligned(repl):
    assert repl.say("'grüße 漢字'") == "grüße 漢字\n"
    assert repl.say("'aé'" + "\x1b[D\x7fß") == "aß\n", "backspace takes one character"
    assert repl.say("{ { a = '漢字', b = 1 }, { a = 'x', b = 22 } }").splitlines() == ["a      b", "----  --", "漢字   1", "x     22"]


# --- printing ---


def test_a_big_result_is_bounded_and_says_so(repl):
    text = repl.say("big = {} for i = 1, 20000 do big[i] = { n = i } end return big")
    assert len(text.splitlines()) == 53 and "... 19950 more rows" in text
    text = repl.say("deep = {} for i = 1, 5000 do deep[i] = { { i } } end return deep")
    assert "... 4960 more" in text and len(text) < 3000
    assert repl.say("t = {} t.t = t return t") == "{ t = <a table around it> }\n"


def test_a_narrow_terminal_gets_no_wider_lines(sit):
    repl = sit(columns=30)
    repl.say("t = { { id = 1, city = 'Frankfurt am Main', street = 'An der Hauptwache' } }")
    text = repl.say("t")
    assert max(map(len, text.splitlines())) <= 30 and "…" in text
    text = repl.say("{ { a = 11111111, b = 22222222, c = 33333333, d = 44444444 } }")
    assert "-- 1 --" in text and "c  33333333" in text, "what cannot fit side by side stands below each other"
    repl.resize(200)
    until(lambda: "-- 1 --" not in repl.say("{ { a = 11111111, b = 22222222, c = 33333333, d = 44444444 } }"), what="the new size")


def test_what_strangers_put_into_a_table_does_not_drive_the_terminal(repl):
    assert repl.say(r"{ { name = 'a\27[31mred\nline' } }").splitlines()[-1] == "a�[31mred\\nline"


# --- editing ---


def test_tab_completes_words_fields_and_names(repl):
    repl.send("trig" + TAB)
    repl.until("trigger")
    repl.send("('ever" + TAB)
    repl.until("everflow'")
    repl.say("", end=CTRL_C)
    repl.send("http." + TAB)
    repl.until("get      post     request\nsr> http.")
    repl.say("", end=CTRL_C)
    repl.say("cities = { frankfurt = 1 }")
    assert repl.say("cities.fr" + TAB) == "1\n"
    assert repl.say(":hel" + TAB + " trigger").startswith("trigger(source, options)")


def test_the_prompt_says_where_one_is_and_that_nothing_can_be_changed(sit):
    assert sit(100, {"SIGNALROOM_ENV": "production"}).greeting.endswith("sr:production> ")
    reader = sit(100, {"SIGNALROOM_READONLY": "1"})
    assert reader.greeting.endswith("sr:read-only> ")
    assert reader.say("1 + 1").startswith("2\n")
    assert "ReadOnlyError" in reader.say('trigger("everflow")') and "ReadOnlyError" in reader.say('terminate("nobody")')


def test_arrows_bring_back_what_was_typed_also_in_the_next_session(sit, home):
    first = sit()
    assert first.say("'earlier'") == "earlier\n"
    first.say("function g()")
    first.say("  return 'block' end")
    assert first.say(UP + UP) == "earlier\n"
    first.send(CTRL_D)
    assert first.ended() == 0
    second = sit()
    second.say(UP + UP)
    assert second.say("g()") == "block\n", "a block of lines comes back whole"
    assert (home / "state/signalroom/history").stat().st_mode & 0o777 == 0o600


def test_the_history_keeps_no_secrets_and_no_line_that_begins_with_a_space(sit, home):
    repl = sit(100, {"REPORTS_URL": "https://ada:correct-horse@reports.example"})
    repl.say("word = 'correct-horse'")
    repl.say(f"key = '{EVERFLOW_KEY}'")
    assert repl.say("key") == "***\n", "and output shows none"
    repl.say(" hidden = 1")
    repl.say("kept = 1")
    assert history_file(home) == "key\nkept = 1\n"


def test_ctrl_d_and_quit_leave(sit):
    for way in (CTRL_D, ":quit" + ENTER):
        repl = sit()
        repl.send(way)
        assert repl.ended() == 0


# --- Ctrl-C ---


def begin(repl, statement):
    """Types a statement and sees it run: until then Ctrl-C would be for the prompt."""
    repl.send(f"print('be' .. 'gun') {statement}" + ENTER)
    repl.until("begun\n")


def test_ctrl_c_ends_a_tight_loop_and_not_the_shell(repl):
    begin(repl, "while true do pcall(function() end) end")
    repl.send(CTRL_C)
    assert "Interrupted: stopped at repl:1" in repl.prompt()
    assert repl.say("'alive'") == "alive\n"


def test_ctrl_c_ends_a_sleep_and_what_swallows_it_ends_at_the_second(repl):
    begin(repl, "activity.sleep('1h')")
    repl.send(CTRL_C)
    assert "Interrupted" in repl.prompt()
    begin(repl, "while true do pcall(activity.sleep, '1h') print('swall' .. 'owed') end")
    repl.send(CTRL_C)
    repl.until("swallowed")
    repl.send(CTRL_C)
    assert "Interrupted" in repl.prompt()
    assert repl.say("'alive'") == "alive\n"


def test_ctrl_c_cancels_a_query_at_the_server(house, repl):
    mark = uuid.uuid4().hex
    running = f"SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%{mark}%' AND state = 'active' AND pid <> pg_backend_pid()"
    repl.send(f'sql "select pg_sleep(600) /* {mark} */"' + ENTER)
    until(lambda: house.postgres.one(running) == "1", 60, "the query at the server")
    repl.send(CTRL_C)
    assert "Interrupted" in repl.prompt()
    until(lambda: house.postgres.one(running) == "0", 60, "its end at the server")
    assert repl.say('sql "select 1 as one"').splitlines()[:3] == ["one", "---", "  1"]


def test_ctrl_c_ends_a_request(house, repl):
    house.everflow.control("script", [{"match": "/slow", "delay_ms": 600000}])
    repl.send(f'http.get("{house.everflow.url}/slow", {{ timeout = "1h" }})' + ENTER)
    until(lambda: any("/slow" in json.dumps(r) for r in house.everflow.requests()), 60, "the request")
    repl.send(CTRL_C)
    assert "Interrupted" in repl.prompt()
    assert repl.say("'alive'") == "alive\n"


def test_sigterm_ends_it_and_leaves_the_terminal_as_it_was(repl):
    repl.signal(signal.SIGTERM)
    assert repl.ended() == -signal.SIGTERM


def test_ctrl_z_gives_the_terminal_back_to_the_shell_until_fg(house, home):
    env = {**house.environment(), "HOME": str(home), "TERM": "xterm", "LANG": "C.UTF-8", "PS1": "shell> "}
    shell = Terminal(["bash", "--norc", "--noprofile", "-i"], cwd=home, env=env)
    try:
        shell.send(f"{BINARY} repl" + ENTER)
        shell.prompt()
        shell.send("1 + \x1a")
        shell.until("Stopped")
        shell.send("fg" + ENTER)
        shell.until("sr> 1 + ")
        assert shell.say("1") == "2\n"
    finally:
        shell.close()


def test_a_statement_that_eats_memory_is_ended_and_not_the_shell(repl):
    assert repl.say("t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end") == "MemoryError: the statement ran out of memory\n"
    assert repl.say("'alive'") == "alive\n"


# --- sql ---


def test_rows_have_their_types_and_a_failing_query_shows_where(repl):
    text = repl.say('rows = sql "select 1 as n, 12.50::numeric as money, true as yes, null::text as gap, $who as who" { who = "Ada" }')
    assert text == ""
    assert repl.say("type(rows[1].n), rows[1].money, rows[1].yes, rows[1].gap, rows[1].who") == "number\n12.50\ntrue\nnil\nAda\n"
    assert repl.say("rows").splitlines()[:3] == ["n  money  yes   gap   who", "-  -----  ----  ----  ---", "1  12.50  true  NULL  Ada"]
    text = repl.say('sql "select * form everflow.daily_stats"')
    assert text.startswith("DbError: ") and "line 1: select * form" in text and "\n" in text and "^" in text


def test_a_transaction_lasts_over_statements(repl):
    repl.say('sql "begin"')
    repl.say('sql "create temporary table t (n int)"')
    assert "1 row affected" in repl.say('sql "insert into t values (1)"')
    repl.say('sql "rollback"')
    assert "does not exist" in repl.say('sql "select * from t"')


# --- runs ---


def test_trigger_and_wait(loaded, repl):
    text = repl.say('w = trigger("everflow", { from = "2026-01-14", to = "2026-01-14" }); return w')
    assert text.startswith("run sync-everflow-manual\n")
    text = repl.say("r = wait(w)")
    assert repl.say("r.row_counts.daily_stats") == "5\n"
    lines = repl.say("r").splitlines()
    assert lines[0].startswith("everflow, load ") and lines[1].split() == ["table", "fetched", "new", "changed", "same", "deleted"]
    assert lines[3].split()[:2] == ["daily_stats", "5"]
    assert "Completed" in repl.say("why(w)")
    assert "WorkflowExecutionStarted" in repl.say("history(w)")
    until(lambda: "sync-everflow-manual" in repl.say("list()"), what="the run in the server's list")
    assert repl.say("show(w).status") == "Completed\n"
    until(lambda: "Completed at" in repl.say('why("sync-ever' + TAB + ")"), 60, "the id of a recent run by Tab")
    repl.say('sql "select 1"')
    text = repl.say('sql "select resource, rows_fetched from signalroom.loa' + TAB + '"')
    assert "daily_stats" in text, "Tab knows the tables of the database that sql is connected to"


def test_sync_works_here_without_temporal(loaded, sit):
    repl = sit(100, {"TEMPORAL_ADDRESS": "127.0.0.1:1"})
    text = repl.say('sync { "everflow", from = "2026-01-14", to = "2026-01-14" }')
    assert "daily_stats" in text and "everflow, load" in text
    assert "ValueError: source everflow takes no argument" in repl.say('sync { "everflow", form = "2026-01-14" }')


def test_a_failed_run_raises_its_failure(loaded, repl):
    loaded.everflow.control("script", [{"match": "/reporting", "status": 401, "body": {"error": "bad key"}}])
    repl.say('w = trigger("everflow", { from = "2026-01-14", to = "2026-01-14" })')
    text = repl.say("wait(w)")
    assert "AuthError" in text and "401" in text
    assert "AuthError" in repl.say("why(w)")


def test_ctrl_c_in_a_long_wait_leaves_the_run(loaded, repl):
    queue = f"queue-{uuid.uuid4().hex[:12]}"
    repl.say(f'w = start("SyncSourceWorkflow", {{ source_name = "everflow" }}, {{ queue = "{queue}" }})')
    repl.send("wait(w)" + ENTER)
    assert "nobody polls" in repl.until(f"signalroom worker --queue {queue}\n"), "a run that stands still says why"
    repl.send(CTRL_C)
    text = repl.prompt()
    assert "Interrupted: SyncSourceWorkflow-" in text and "goes on" in text
    assert repl.say("show(w).status") == "Running\n"
    assert "PROBLEM  SyncSourceWorkflow-" in repl.say("why()")
    assert repl.say('terminate(w, "enough")') == ""
    assert repl.say("show(w).status") == "Terminated\n"


def test_without_a_server_everything_else_works(sit):
    repl = sit(100, {"TEMPORAL_ADDRESS": "127.0.0.1:1", "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"})
    assert "everflow" in repl.say("sources()")
    text = repl.say("list()")
    assert "UnavailableError" in text and "-> Is the server running?" in text
    assert "DbError" in repl.say('sql "select 1"')
    assert repl.say("1 + 1") == "2\n"


# --- scripts ---


def test_a_report_is_previewed_changed_and_previewed_again(scripts, repl):
    hello = scripts / "reports/hello.lua"
    text = ('report "hello" {\n  params = { who = "Ada" },\n  data = "SELECT 42 AS answer",\n'
            '  slack = "%s {{ who }}: {{ answer }}",\n  sms = "{{ answer }}",\n}\n')
    hello.write_text(text % "Hello")
    assert repl.say('preview("hello")') == "Hello Ada: 42\n"
    assert repl.say('preview("hello", { who = "Bob" }, "sms")') == "42\n(2 characters, 1 SMS)\n"
    hello.write_text(text % "Goodbye")
    assert repl.say('preview("hel' + TAB + ")") == "Goodbye Ada: 42\n", "as it is saved now"
    hello.write_text(text % "{% if %}")
    assert "ScriptError: " in (failed := repl.say('preview("hello")')) and "reports/hello.lua:" in failed
    hello.write_text((text % "Goodbye").replace("SELECT 42", "SELECT fortytwo"))
    assert 'DbError: column "fortytwo" does not exist' in repl.say('preview("hello")')
    assert "KeyError: Report not found: helo; did you mean hello?" in repl.say('preview("helo")')
    assert "daily_ccw" in repl.say("reports()")
    hello.unlink()


def test_reload_takes_changed_scripts_and_says_what_is_broken(scripts, repl):
    assert "SyncSourceWorkflow" in repl.say("workflows()")
    (scripts / "workflows/fresh.lua").write_text('workflow "Fresh" { run = function() end }\n')
    assert "changed: workflows/fresh.lua" in repl.say(":reload")
    assert "Fresh" in repl.say("workflows()")
    (scripts / "workflows/fresh.lua").write_text('workflow "Fresh" {\n')
    assert "does not load: workflows/fresh.lua:2: " in repl.say("reload()")
    (scripts / "workflows/fresh.lua").unlink()
    assert "changed: workflows/fresh.lua" in repl.say("reload()")


def test_edit_opens_the_editor_and_reloads(scripts, sit):
    (scripts / "workflows/fresh.lua").write_text('workflow "Fresh" { run = function() end }\n')
    repl = sit(100, {"EDITOR": "sed -i s/Fresh/Edited/"})
    assert "changed: workflows/fresh.lua" in repl.say(":edit Fresh")
    assert "Edited" in repl.say("workflows()")
    assert "no script defines nothing" in repl.say(":edit nothing")
    (scripts / "workflows/fresh.lua").unlink()


def test_help_tells_what_there_is_and_how_a_word_is_used(repl):
    assert "trigger" in repl.say(":help") and ":edit NAME" in repl.say(":help")
    text = repl.say(":help trigger")
    assert text.startswith("trigger(source, options)") and 'w = trigger("everflow"' in text
    assert repl.say(":help http.get").startswith("http.get(url, options)")
    assert "did you mean :reload?" in repl.say(":relaod")


# --- without a terminal ---


def test_a_pipe_is_read_statement_by_statement(house, scripts):
    done = piped(house, scripts, "x = 2\nfunction f()\n  return x * 21\nend\nf()\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "42\n", "")


def test_a_statement_that_fails_in_a_pipe_sets_the_exit_code_and_the_next_runs(house, scripts):
    done = piped(house, scripts, 'error("first")\n"second"\n')
    assert (done.returncode, done.stdout) == (1, "second\n")
    assert done.stderr == "LuaError: first (repl:1)\n"
    assert piped(house, scripts, "for i = 1,").returncode == 1, "and what ends in the middle is a mistake"


def test_json_is_one_document_a_statement(house, scripts):
    done = piped(house, scripts, 'x = 1\n{ a = { 1, 2 } }\nprint("hello")\nsql "select 1 as n"\nerror(ValueError "no")\n1, 2\nprint\n', "--json")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert documents[:4] == [{"value": None}, {"value": {"a": [1, 2]}}, {"printed": ["hello"], "value": None}, {"value": [{"n": 1}]}]
    assert documents[4]["error"]["type"] == "ValueError" and documents[4]["error"]["place"] == "repl:1"
    assert documents[5] == {"values": [1, 2]} and "function" in documents[6]["value"]
    assert done.stderr == ""


def test_a_script_that_does_not_load_is_told_also_without_a_terminal(tmp_path):
    (tmp_path / "activities").mkdir()
    (tmp_path / "activities/bad.lua").write_text("source 'bad' {")
    said = subprocess.run([str(BINARY), "repl", "-e", "#sources()", "--scripts", tmp_path], capture_output=True, text=True, timeout=120)
    assert said.stdout == "0\n" and "does not load: activities/bad.lua:1:" in said.stderr


def test_e_evaluates_and_exits(house, scripts):
    def evaluated(statement, *options, **more):
        return piped(house, scripts, "", "-e", statement, *options, **more)

    done = evaluated("6 * 7")
    assert (done.returncode, done.stdout) == (0, "42\n")
    assert json.loads(evaluated("6 * 7", "--json").stdout) == {"value": 42}
    assert evaluated("error('x')").returncode == 1
    gone = evaluated('show("no-such-run")')
    assert gone.returncode == 5 and "NotFoundError" in gone.stderr
    assert evaluated('sql "select 1"', environment={"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}).returncode == 4
