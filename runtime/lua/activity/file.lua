<<<<<<< HEAD
-- Files for activities. Every function waits without keeping anybody else from running, and raises FileError with
-- `code` ("ENOENT") when the system refuses.

local native = require "native.file"
local wait = require "wait"

local LARGEST = 64 * 1024 * 1024
local CHUNK = 256 * 1024
local FILE_MODE, FOLDER_MODE = 420, 493 -- 0644, 0755

local file = {}

--- The whole file, up to 64 MiB.
---@param path string
---@return string
function file.read(path)
  return wait(native.read(path, LARGEST))
end

--- Writes the whole file. It is whole on disk before it takes the old one's place: a reader sees the old or the new.
---@param path string
---@param text string
---@param mode? integer permissions, 0644 by default
function file.write(path, text, mode)
  return wait(native.write(path, text, mode or FILE_MODE))
end

--- Adds to the end of a file, making it when it is not there.
---@param path string
---@param text string
function file.append(path, text)
  return wait(native.append(path, text, FILE_MODE))
end

--- What is in a folder, by name.
---@param path string
---@return { name: string, size: number, modified: number, kind: "file"|"folder"|"other" }[]
function file.list(path)
  return wait(native.list(path))
end

--- What is at a path, nil when nothing is.
---@param path string
---@return { name: string, size: number, modified: number, kind: "file"|"folder"|"other" }?
function file.look(path)
  return wait(native.look(path))
end

--- Removes a file or an empty folder.
---@param path string
function file.remove(path)
  return wait(native.remove(path))
end

--- Moves a file; what was at its new place is replaced.
---@param from string
---@param to string
function file.rename(from, to)
  return wait(native.rename(from, to))
end

--- Makes a folder and those above it; one that is there already is as good.
---@param path string
---@param mode? integer permissions, 0755 by default
function file.make_folder(path, mode)
  return wait(native.make_folder(path, mode or FOLDER_MODE))
end

local Spool = {}
Spool.__index = Spool

--- Adds to the spool.
---@param text string
function Spool:write(text)
  wait(self.raw:write(text))
end

--- A function that gives what was written, chunk by chunk, and nil at the end.
---@return fun(): string?
function Spool:reader()
  local offset = 0
  return function()
    local chunk = wait(self.raw:read(offset, CHUNK))
    offset = offset + (chunk and #chunk or 0)
    return chunk
  end
end

--- Gives its disk space back at once, not only when nobody has it any more.
function Spool:close()
  self.raw:close()
end

--- A place on disk for what is too large for memory. It has no name, so it is gone with the process, however that ends.
---@param folder? string TMPDIR or /var/tmp by default
---@return table spool write, reader, close
function file.spool(folder)
  local raw = wait(native.spool(folder or os.getenv "TMPDIR" or "/var/tmp"))
  return setmetatable({ raw = raw }, Spool)
=======
-- Files for activities, whole and without holding anybody up. A path is relative to the worker's folder.

local errors = require "errors"
local native = require "native.file"
local wait = require "wait"

local file = {}

local function done(ok, ...)
  if ok then return ... end
  local problem = ...
  if type(problem) == "string" then problem = errors.new("FileError", { message = problem }) end
  return wait(ok, problem)
end

--- The whole text of a file, up to 256 MiB.
---@param path string
---@return string text  raises FileError
function file.read(path) return done(native.read(path)) end

--- Writes a file at once: a reader sees the old text or the new one, never a part.
---@param path string
---@param text string
function file.write(path, text) done(native.write(path, text)) end

--- Removes a file.
---@param path string
function file.remove(path) done(native.remove(path)) end

--- The names in a folder, sorted.
---@param path string
---@return string[]
function file.list(path)
  local names = done(native.list(path))
  table.sort(names)
  return names
end

--- Whether there is something at a path.
---@param path string
---@return boolean
function file.exists(path) return native.exists(path) end

---@class Spool
local Spool = {}
Spool.__index = Spool

--- Appends text, or a buffer of pages, which is empty afterwards.
---@param text string|userdata
function Spool:write(text) done(self.native:append(text)) end

--- An iterator over what was written, in pieces of up to 256 KiB.
---@return fun(): string?
function Spool:reader()
  self.native:rewind()
  return function() return done(self.native:next()) end
end

--- Gives its space back; letting go of it does so too.
function Spool:close() self.native:close() end

--- A temporary file without a name, for what is too much for memory: written, then read once.
---@return Spool
function file.spool()
  return setmetatable({ native = native.spool() }, Spool)
>>>>>>> 0b3dcd2 (activity: Files, hashes, log lines and secrets for scripts)
end

return file
