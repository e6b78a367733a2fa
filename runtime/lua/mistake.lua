-- A mistake in a script's own code: wrong arguments, a typo, a call where none is possible. Raised as plain
-- text that begins with the script's line, whatever library functions lie between. In a workflow it fails
-- the task and not the workflow, so that mended code goes on.

local place = require("sandbox").place

--- Raises it.
---@param text string
return function(text)
  local at = place()
  error(at ~= "" and at .. ": " .. text or text, 0)
end
