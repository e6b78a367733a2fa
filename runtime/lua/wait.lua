-- The other half of script/fiber.h: a C function that suspends returns `true, results...` or `false, error`, a
-- cancelled wait `false` alone. `return wait(native.read(...))` makes results or a raised error of that.

local errors = require "errors"

local function cancelled()
  return errors.CancelledError("cancelled while it was waiting")
end

return function(ok, ...)
  if ok then return ... end
  local err = ...
  error(err == nil and cancelled() or err, 0)
end
