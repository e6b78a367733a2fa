-- Holds a load at the step that CRASH_AT names, once, for as long as the file CRASH_MARKER is there, so that a test can
-- kill the worker just there, or let something overtake it.

sync.observe(function(step)
  local marker = setting("CRASH_MARKER", "")
  if marker == "" or step ~= setting("CRASH_AT", "") or file.look(marker .. ".done") then return end
  file.write(marker .. ".done", step)
  file.write(marker, step)
  while file.look(marker) do activity.sleep "50ms" end
end)
