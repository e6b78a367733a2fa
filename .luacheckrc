-- The library runs in LuaJIT; scripts run in the vocabulary of docs/lua.
std = "luajit"
max_line_length = 140
self = false
globals = {}
files["runtime/lua"] = { read_globals = { "http", "pg", "json", "csv", "pages", "file", "crypto", "log", "secret", "setting",
  "rpc", "system", "worker" } }
files["scripts"] = { read_globals = { "workflow", "activity", "http", "pg", "json", "csv", "pages", "file", "crypto", "log",
  "secret", "setting", "source", "resource", "report", "schedule", "ValueError", "KeyError", "AuthError", "RateLimited",
  "VendorError", "TimeoutError", "DbError", "ApplicationError" } }
files["runtime/lua/meta"] = { ignore = { "1", "2" } }
