-- What stories ask of values: `local checks = require "checks"`. Each fails at the line of the story.

local checks = {}

function checks.equal(got, wanted)
  if got ~= wanted then error(("got %s, wanted %s"):format(tostring(got), tostring(wanted)), 2) end
end

--- The text has the part in it, to the letter.
function checks.has(text, part)
  if not text:find(part, 1, true) then error(("%q is not in %q"):format(part, text), 2) end
end

local function error_of(kind, call, ...)
  local ok, err = pcall(call, ...)
  if ok then error("expected " .. kind .. ", and it went well", 3) end
  if type(err) ~= "table" or err.type ~= kind then error("expected " .. kind .. ", got " .. tostring(err), 3) end
  return err
end

--- The call raises an error of that type: it is returned.
function checks.refused(kind, call, ...)
  local err = error_of(kind, call, ...)
  return err
end

--- The same, and its message has the part in it.
function checks.refused_with(kind, part, call, ...)
  local err = error_of(kind, call, ...)
  if not err.message:find(part, 1, true) then error(("%q is not in %q"):format(part, err.message), 2) end
end

return checks
