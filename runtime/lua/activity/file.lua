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

--- A function that gives what was written, chunk by chunk, and nil at the end. With a pages buffer every chunk comes in it, in the
--- place of the one before: as pg's copy wants it.
---@param buffer? userdata
---@return fun(): string|userdata|nil
function Spool:reader(buffer)
  local offset = 0
  return function()
    local got = wait(self.raw:read(offset, CHUNK, buffer))
    local size = buffer and got or got and #got or 0
    offset = offset + size
    return size > 0 and (buffer or got) or nil
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
end

return file
