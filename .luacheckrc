-- The library runs in LuaJIT; scripts run in the vocabulary of docs/lua.
stds.signalroom = {
  read_globals = { "workflow", "schedule", "activity", "source", "clients", "resource", "sync", "http", "pg", "json", "csv", "pages", "file", "crypto",
    "log", "s3", "secret", "setting", "zone", "bytes", "report", "template", "yesterday", "ValueError", "KeyError", "AuthError", "RateLimited", "VendorError", "TimeoutError",
    "DbError",
    "ApplicationError", "CancelledError", "NetworkError", "BadResponse", "RestrictedWorkflowAccessError" },
}
std = "luajit+signalroom"
max_line_length = 140
self = false
exclude_files = { "runtime/lua/meta", "build" }
-- Hostile scripts do on purpose what lint forbids; stories get their server's address as a global.
files["tests/live/scripts/workflows/hostile.lua"] = { ignore = { "113", "143" } }
files["tests/unit"] = { ignore = { "11", "14" } }
