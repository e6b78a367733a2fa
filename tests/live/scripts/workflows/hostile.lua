-- What a workflow must not do, and what must come of it. Each is a workflow named for its sin.

local function sin(name, commit)
  workflow(name) { run = commit }
end

sin("ReadsAFile", function() return io.open "/etc/passwd" end)
sin("CallsAnApi", function() return http.get "http://127.0.0.1" end)
sin("RunsAProgram", function() return os.execute "true" end)
sin("LoadsFfi", function() return ffi.new "int" end)
sin("LoadsBytecode", function()
  local chunk = load "\27LJ\2"
  return chunk
end)

sin("LoopsForEver", function() while true do end end)
sin("EatsMemory", function()
  local hoard = {}
  while true do hoard[#hoard + 1] = ("x"):rep(1000000) .. #hoard end
end)
sin("LovesPatterns", function() return (("a"):rep(40)):find((".-"):rep(20) .. "b") end)
