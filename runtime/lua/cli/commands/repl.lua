return {
  name = "repl", usage = "repl [-e STATEMENT]", connects = "at first use",
  about = "a prompt for everything: sources, runs, SQL, requests",
  details = "Type Lua, or :help. Without a terminal it reads statements from standard input and prints what they give, with\n"
    .. "--json one document each; it exits with the code of the first that failed. The server and the database are asked\n"
    .. "only once something needs them.",
  options = {
    { name = "eval", short = "e", value = "STATEMENT", about = "run this and exit" },
    { name = "scripts", value = "DIR", about = "scripts folder; ./scripts unless given" },
  },
  run = function(given)
    return require("cli.repl").run { statement = given.eval, scripts = given.scripts }
  end,
}
