-- PostgreSQL as scripts see it. `database` is the url of a private cluster.

local checks = require "checks"

local NO_HOST = ("x"):rep(64) .. ".invalid" -- a name that a name server need not be asked for

local refused, equal, has = checks.refused, checks.equal, checks.has

local function one(db, sql, ...)
  return db:query(sql, ...)[1].v
end

local function with(settings, use)
  local db = pg.connect(settings or database)
  local ok, err = pcall(use, db)
  db:close()
  if not ok then error(err, 0) end
end

-- A copy of the database's url with something changed.
local function url_with(from, to)
  return (database:gsub(from, to))
end

return {
  { "rows are tables of typed values", function()
    with(nil, function(db)
      local rows, about = db:query [[SELECT true AS b, 7::int4 AS i, 9007199254740991::int8 AS l, 9007199254740993::int8 AS big,
        12.50::numeric AS money, 1.5::float8 AS f, 'ä'::text AS t, NULL AS n, '{"a":[1]}'::jsonb AS j, '\x00ff'::bytea AS y,
        '2026-01-14'::date AS d, ''::text AS e]]
      local row = rows[1]
      equal(#rows, 1)
      equal(row.b, true)
      equal(row.i, 7)
      equal(row.l, 9007199254740991)
      equal(row.big, "9007199254740993")
      equal(row.money, "12.50")
      equal(row.f, 1.5)
      equal(row.t, "ä")
      equal(row.n, nil)
      equal(row.j.a[1], 1)
      equal(row.y, "\0\255")
      equal(row.d, "2026-01-14")
      equal(row.e, "")
      equal(#about.columns, 12)
      equal(about.columns[12], "e")
    end)
  end },

  { "parameters are bound by number", function()
    with(nil, function(db)
      equal(one(db, "SELECT $1::text || $2 AS v", "a'b", "c"), "a'bc")
      equal(one(db, "SELECT $1::int + $2::int AS v", 40, 2), 42)
      equal(one(db, "SELECT $1::float8 AS v", 0.1), 0.1)
      equal(one(db, "SELECT $1::int8 AS v", 9007199254740991), 9007199254740991)
      equal(one(db, "SELECT $1::bool AS v", false), false)
      equal(one(db, "SELECT $1::text IS NULL AND $2::text IS NULL AS v", nil, json.null), true)
      equal(one(db, "SELECT $1::float8 = 'NaN' AS v", 0 / 0), true)
      equal(one(db, "SELECT $1::jsonb ->> 'a' AS v", json.object { a = "x" }), "x")
      equal(one(db, "SELECT $1::numeric AS v", json.decode "123456789012345678901234567890.5"), "123456789012345678901234567890.5")
      has(refused("ValueError", db.query, db, "SELECT $1::text", "a\0b").message, "NUL")
      has(refused("ValueError", db.query, db, "SELECT $1::text", print).message, "function")
    end)
  end },

  { "parameters are bound by name, and only where SQL reads them", function()
    with(nil, function(db)
      equal(one(db, "SELECT $who || '$who' || $$ $who $$ || $a$ $who $a$ /* $nobody /* $nobody */ $nobody */ || $what -- $nobody\n AS v",
        { who = "Ann", what = "!" }), "Ann$who $who  $who !")
      equal(one(db, [[SELECT E'\'$x' || $x AS v]], { x = "1" }), "'$x1")
      equal(one(db, [[SELECT 'it''s $x' || "v$x" AS v FROM (SELECT $x::text AS "v$x") q]], { x = "1" }), "it's $x1")
      equal(one(db, "SELECT $n::text IS NULL AS v", { n = json.null }), true)
      has(refused("KeyError", db.query, db, "SELECT $who", { whom = 1 }).message, "$who")
      has(refused("ValueError", db.query, db, "SELECT 1", { who = 1 }).message, "no $who")
    end)
  end },

  { "arrays are parameters", function()
    with(nil, function(db)
      equal(one(db, "SELECT count(*) AS v FROM generate_series(1, 9) g WHERE g = ANY ($1::int[])", pg.array { 2, 4, 99 }), 2)
      equal(one(db, "SELECT array_to_string($1::text[], '|', '-') AS v", pg.array { 'a"b', "c\\d", json.null, "", "e,f", "NULL" }),
        'a"b|c\\d|-||e,f|NULL')
      equal(one(db, "SELECT ($1::int[][])[2][1] AS v", pg.array { pg.array { 1 }, pg.array { 5 } }), 5)
    end)
  end },

  { "two columns of one name are refused", function()
    with(nil, function(db) has(refused("ValueError", db.query, db, "SELECT 1 AS a, 2 AS a").message, "two columns") end)
  end },

  { "an error shows its place and what the server knows", function()
    with(nil, function(db)
      local err = refused("DbError", db.query, db, "SELECT 1,\n       'ä' || tpyo\nFROM pg_class")
      equal(err.sqlstate, "42703")
      equal(err.message, 'column "tpyo" does not exist\n  line 2:        \'ä\' || tpyo\n                        ^')
      db:exec "CREATE TEMP TABLE people (name text PRIMARY KEY)"
      db:query("INSERT INTO people VALUES ($1)", "Ann")
      local twice = refused("DbError", db.query, db, "INSERT INTO people VALUES ($1)", "Ann")
      equal(twice.sqlstate, "23505")
      equal(twice.constraint_name, "people_pkey")
      has(twice.detail, "Key (name)=(Ann) already exists")
      equal(one(db, "SELECT 1 AS v"), 1)
    end)
  end },

  { "exec counts rows and takes several statements", function()
    with(nil, function(db)
      db:exec "CREATE TEMP TABLE t (i int); INSERT INTO t SELECT generate_series(1, 5)"
      equal(db:exec("DELETE FROM t WHERE i > $1", 2), 3)
      equal(db:exec "UPDATE t SET i = 0", 2)
      equal(db:exec "SET LOCAL lock_timeout = '1s'", nil)
      equal((select(2, db:query "UPDATE t SET i = 1 RETURNING i")).affected, 2)
      equal(db:exec "", nil)
    end)
  end },

  { "a transaction commits, or rolls back when it raises", function()
    with(nil, function(db)
      db:exec "CREATE TEMP TABLE t (i int)"
      equal(db:transaction(function(tx) tx:exec "INSERT INTO t VALUES (1)" return "done" end), "done")
      local ok, err = pcall(db.transaction, db, function(tx)
        tx:exec "INSERT INTO t VALUES (2)"
        error("no", 0)
      end)
      equal(ok, false)
      equal(err, "no")
      equal(one(db, "SELECT count(*) AS v FROM t"), 1)
      equal(db:status(), "idle")
    end)
  end },

  { "a transaction within a transaction is a savepoint", function()
    with(nil, function(db)
      db:exec "CREATE TEMP TABLE t (i int)"
      db:transaction(function(tx)
        tx:exec "INSERT INTO t VALUES (1)"
        refused("DbError", tx.transaction, tx, function(inner)
          inner:exec "INSERT INTO t VALUES (2)"
          inner:exec "SELECT 1/0"
        end)
        tx:transaction(function(inner) inner:exec "INSERT INTO t VALUES (3)" end)
      end)
      equal(one(db, "SELECT string_agg(i::text, ',' ORDER BY i) AS v FROM t"), "1,3")
    end)
  end },

  { "a transaction whose failure was swallowed does not look committed", function()
    with(nil, function(db)
      local err = refused("DbError", db.transaction, db, function(tx) pcall(tx.exec, tx, "SELECT 1/0") end)
      has(err.message, "rolled back")
      equal(db:status(), "idle")
      refused("DbError", db.transaction, db, function(tx) tx:exec "INSERT INTO pg_class VALUES (1)" end,
        { isolation = "serializable", read_only = true })
      has(refused("ValueError", db.transaction, db, print, { isolation = "none" }).message, "isolation")
    end)
  end },

  { "copy takes text, and functions that give text", function()
    with(nil, function(db)
      db:exec "CREATE TEMP TABLE t (i int, w text)"
      equal(db:copy("COPY t FROM STDIN", "1\tone\n2\ttwo\n"), 2)
      local n = 0
      equal(db:copy("COPY t FROM STDIN", function()
        n = n + 1
        if n <= 1000 then return (("%d\t%s\n"):format(n, ("x"):rep(100))):rep(100) end
      end), 100000)
      equal(one(db, "SELECT count(*) AS v FROM t"), 100002)
      equal(db:copy("COPY t FROM STDIN", ""), 0)
    end)
  end },

  { "what a page says is what the table says", function()
    with(nil, function(db)
      db:exec [[CREATE TEMP TABLE t (at timestamptz, cents numeric, day date, done bool, id bigint, more jsonb, word text);
        SET timezone = 'UTC']]
      local plan = pages.plan({ id = "int!", cents = "money", word = "text", done = "bool", more = "jsonb", day = "date(epoch)",
        at = "timestamptz" }, { tz = "America/New_York" })
      plan:add([=[{"rows":[
        {"id":9223372036854775807,"cents":12.340,"word":"a\tb\nc\\d\u0000\u00e9\ud83d\ude00","done":true,
          "more":{"k":"\u0000\n\"\\\t","n":1.50,"l":[]},"day":"1768366800","at":"2026-07-01 12:00:00.5"},
        {"id":-1,"cents":"1e-7","word":"\\N","done":0,"more":"\"","day":1768366799,"at":"2026-01-14T05:00:00.123456+05:30"},
        {"id":0,"word":""}]}]=], "rows")
      equal(db:copy("COPY t (" .. table.concat(plan:column_names(), ", ") .. ") FROM STDIN", plan:take()), 3)
      local rows = db:query("SELECT id::text, cents::text, word, done, more::text, day::text, at::text FROM t ORDER BY id DESC")
      local function row(i)
        local r = rows[i]
        return table.concat({ r.id, tostring(r.cents), r.word, tostring(r.done), tostring(r.more), tostring(r.day), tostring(r.at) }, "|")
      end
      equal(row(1), "9223372036854775807|12.340|a\tb\nc\\dé😀|true|" .. [[{"k": "\n\"\\\t", "l": [], "n": 1.50}]]
        .. "|2026-01-14|2026-07-01 16:00:00.5+00")
      equal(row(2), "0|nil||nil|nil|nil|nil")
      equal(row(3), [[-1|0.0000001|\N|false|"\""|2026-01-13|2026-01-13 23:30:00.123456+00]])
    end)
  end },

  { "a copy whose source or whose rows are wrong leaves nothing", function()
    with(nil, function(db)
      db:exec "CREATE TEMP TABLE t (i int)"
      local ok, err = pcall(db.copy, db, "COPY t FROM STDIN", function() error("source is gone", 0) end)
      equal(ok, false)
      equal(err, "source is gone")
      local bad = refused("DbError", db.copy, db, "COPY t FROM STDIN", "1\nx\n")
      equal(bad.sqlstate, "22P02")
      has(bad.message, 'COPY t, line 2, column i: "x"')
      equal(one(db, "SELECT count(*) AS v FROM t"), 0)
      refused("ValueError", db.copy, db, "SELECT 1", "1\n")
      refused("ValueError", db.exec, db, "COPY t FROM STDIN")
      equal(one(db, "SELECT 2 AS v"), 2)
    end)
  end },

  { "copy_out gives chunks", function()
    with(nil, function(db)
      local size, lines = 0, 0
      local rows = db:copy_out("COPY (SELECT g, repeat('y', 50) FROM generate_series(1, 100000) g) TO STDOUT", function(chunk)
        size, lines = size + #chunk, lines + select(2, chunk:gsub("\n", ""))
      end)
      equal(rows, 100000)
      equal(lines, 100000)
      assert(size > 5000000)
      equal(one(db, "SELECT 3 AS v"), 3)
    end)
  end },

  { "a result has a maximum", function()
    with(nil, function(db)
      local err = refused("DbError", db.query, db, "SELECT repeat('x', 1000000) AS v FROM generate_series(1, 1000)")
      has(err.message, "larger than 64 MB")
      equal(one(db, "SELECT 4 AS v"), 4)
    end)
  end },

  { "many rows come whole", function()
    with(nil, function(db)
      local rows = db:query "SELECT g AS v FROM generate_series(1, 50001) g"
      equal(#rows, 50001)
      equal(rows[50001].v, 50001)
    end)
  end },

  { "notices are kept", function()
    with(nil, function(db)
      db:exec "DO $$ BEGIN RAISE NOTICE 'over % here', 'there'; RAISE WARNING 'beware'; END $$"
      local notices = db:notices()
      equal(notices[1], "NOTICE: over there here")
      equal(notices[2], "WARNING: beware")
      equal(#db:notices(), 0)
    end)
  end },

  { "a closed connection comes back as good as new", function()
    local first = pg.connect(database)
    local pid = one(first, "SELECT pg_backend_pid() AS v")
    first:exec "SET search_path = nowhere; CREATE TEMP TABLE left_over (i int)"
    first:close()
    local second = pg.connect(database)
    equal(one(second, "SELECT pg_backend_pid() AS v"), pid)
    equal(one(second, "SELECT current_setting('search_path') AS v"), '"$user", public')
    refused("DbError", second.query, second, "SELECT * FROM left_over")
    second:close()
    has(refused("ValueError", function() first.raw:close() return first:query "SELECT 1" end).message, "closed")
  end },

  { "a connection that the server ended is not handed out again", function()
    local first, other = pg.connect(database), pg.connect(database)
    local pid = one(first, "SELECT pg_backend_pid() AS v")
    first:close()
    one(other, "SELECT pg_terminate_backend($1, 60000) AS v", pid)
    local second = pg.connect(database)
    assert(one(second, "SELECT pg_backend_pid() AS v") ~= pid)
    second:close()
    other:close()
  end },

  { "a connection that breaks says so", function()
    local db, other = pg.connect(database), pg.connect(database)
    local pid = one(db, "SELECT pg_backend_pid() AS v")
    one(other, "SELECT pg_terminate_backend($1, 60000) AS v", pid)
    refused("DbError", db.query, db, "SELECT 1")
    equal(db:status(), "broken")
    refused("DbError", db.transaction, db, function() end)
    db:close()
    other:close()
  end },

  { "names are resolved, and hosts are tried in order", function()
    with(url_with("127%.0%.0%.1", "localhost"), function(db) equal(one(db, "SELECT 1 AS v"), 1) end)
    with(url_with("127%.0%.0%.1:", "127.0.0.1:1," .. NO_HOST .. ":1,localhost:"), function(db) equal(one(db, "SELECT 1 AS v"), 1) end)
  end },

  { "settings by name work with any password", function()
    local port = database:match(":(%d+)/")
    with({ host = "127.0.0.1", port = port, user = "signalroom", database = "postgres", password = "p`w\"d$@:/%" },
      function(db) equal(one(db, "SELECT current_user AS v"), "signalroom") end)
    has(refused("ValueError", pg.connect, database .. "?hots=1").message, "not one")
  end },

  { "a connection that cannot be made says why, without the password", function()
    local err = refused("DbError", pg.connect, "postgresql://me:sesame-open@127.0.0.1:1/x")
    has(err.message, "Connection refused")
    assert(not tostring(err):find("sesame"))
    has(refused("NetworkError", pg.connect, "postgresql://me@" .. NO_HOST .. "/x").message, "no address")
    assert(not tostring(refused("ValueError", pg.connect, "postgresql://me:sesame%zz@h/x")):find("sesame"))
    has(refused("DbError", pg.connect, url_with("/postgres$", "/nowhere")).message, 'database "nowhere" does not exist')
  end },

  { "a server that does not answer is a TimeoutError", function()
    refused("TimeoutError", pg.connect, { url = silent, connect_timeout = "200ms" })
  end },

  { "without settings the missing one is named", function()
    has(refused("KeyError", pg.connect).message, "DATABASE_URL")
  end },
}
