-- Holds a load at the step that CRASH_AT names, once, so that a test can kill the worker just there.

sync.observe(function(step)
  local marker = setting("CRASH_MARKER", "")
  if marker == "" or step ~= setting("CRASH_AT", "") or file.look(marker) then return end
  file.write(marker, step)
  activity.sleep "10m"
end)
