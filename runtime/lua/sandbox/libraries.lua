-- The libraries of scripts, built up name by name: what is not named here does not exist for a script. The
-- embedded library gets the same string and table functions (methods of strings go through them), and
-- keeps the raw coroutine library.

local coroutines = require "sandbox.coroutines"
local primitives = require "script"
local sort = require "sandbox.sort"
local text = require "sandbox.text"

local function pick(from, names)
  local picked = {}
  for word in names:gmatch("%S+") do picked[word] = from[word] end
  return picked
end

local library = {}
local M = { library = library }

library.string = pick(string, "byte char len lower reverse sub upper")
for _, word in ipairs { "find", "match", "gmatch" } do library.string[word] = primitives[word] end
library.string.format, library.string.gsub, library.string.rep = text.format, text.gsub, string.rep

library.table = pick(table, "concat insert maxn remove")
library.table.sort = sort
if primitives.kind == "workflow" then
  library.string.rep, library.table.concat = text.rep, text.concat
  rawset(_G, "tostring", text.tostring) -- the embedded library's too: its error texts reach scripts and the server
end

library.math = pick(math, "abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge ldexp log log10 max min modf "
  .. "pi pow rad sin sinh sqrt tan tanh")
library.math.random, library.math.randomseed = primitives.random, primitives.randomseed

library.bit = pick(bit, "arshift band bnot bor bswap bxor lshift rol ror rshift tobit tohex")
library.coroutine = coroutines.library
library.json = require "json"
library.os = { date = primitives.date, time = primitives.time, difftime = os.difftime, clock = primitives.clock }

local function handled(handler, ok, ...)
  if ok then return true, ... end
  return false, select(2, pcall(handler, ...))
end

--- xpcall whose handler runs after the call is unwound, in a frame like any other.
local function xpcall(fn, handler, ...)
  return handled(handler, pcall(fn, ...))
end

local function load(source, chunk, mode, environment)
  if type(source) ~= "string" then error("bad argument #1 to 'load' (only text can be loaded)", 2) end
  if type(mode) == "string" and not mode:find("t", 1, true) then return nil, "only text can be loaded" end
  local name = type(chunk) == "string" and chunk:gsub("^[=@]", "") or "load"
  return primitives.compile(source, name, environment or primitives.environment())
end

M.base = pick(_G, "assert error getmetatable ipairs pcall rawequal rawget rawset select tonumber type unpack _VERSION")
M.base.pairs, M.base.next = primitives.pairs, primitives.next
M.base.setmetatable = primitives.kind == "workflow" and primitives.setmetatable or setmetatable
M.base.tostring = text.tostring
M.base.xpcall, M.base.load, M.base.loadstring = xpcall, load, load

local strings = getmetatable("")
strings.__index, strings.__metatable = library.string, "locked"
for name, fn in pairs(library.string) do rawset(string, name, fn) end
for name, fn in pairs(library.table) do rawset(table, name, fn) end

return M
