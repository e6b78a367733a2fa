---@meta file
-- What an editor knows about `file`. The module itself is runtime/lua/activity/file.lua. For activities.
--
-- All functions wait without keeping anything else from running. What the system refuses is a FileError with `code`,
-- "ENOENT" and so on.

---@class FileEntry
---@field name string
---@field size number bytes
---@field modified number seconds since 1970
---@field kind "file"|"folder"|"other"

---@class FileSpool
local FileSpool = {}

---Adds to the spool.
---@param text string|userdata text or a pages buffer
function FileSpool:write(text) end

---A function that gives what was written, chunk by chunk, and nil at the end: pg's copy takes it. With a pages buffer every
---chunk comes in it, in the place of the one before, so that no garbage is made.
---@param buffer? pages.buffer
---@return fun(): string|pages.buffer|nil
function FileSpool:reader(buffer) end

---Gives its disk space back at once, not only when nobody has it any more.
function FileSpool:close() end

---@class filelib
file = {}

---The whole file, up to 64 MiB.
---@param path string
---@return string
function file.read(path) end

---Writes the whole file. It is whole on disk before it takes the old one's place: a reader sees the old or the new.
---@param path string
---@param text string|userdata text or a pages buffer
---@param mode? integer permissions; default 0644
function file.write(path, text, mode) end

---Adds to the end of a file, making it when it is not there.
---@param path string
---@param text string|userdata text or a pages buffer
function file.append(path, text) end

---What is in a folder, by name.
---@param path string
---@return FileEntry[]
function file.list(path) end

---What is at a path, nil when nothing is.
---@param path string
---@return FileEntry?
function file.look(path) end

---Removes a file or an empty folder.
---@param path string
function file.remove(path) end

---Moves a file; what was at its new place is replaced.
---@param from string
---@param to string
function file.rename(from, to) end

---Makes a folder and those above it; one that is there already is as good.
---@param path string
---@param mode? integer permissions; default 0755
function file.make_folder(path, mode) end

---A place on disk for what is too large for memory. It has no name: it is gone with the process, however that ends.
---@param folder? string default: TMPDIR, else /var/tmp
---@return FileSpool
function file.spool(folder) end

return file
