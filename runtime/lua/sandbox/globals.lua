-- The globals that a compiled chunk reads or assigns, in all its functions, found in its bytecode. Runs in a state of its
-- own (runtime/script/globals.c). The numbers of the two instructions are asked of the compiler, so that none stands here.

local bytecode = require "jit.util"

local FARTHEST = -65536 -- constants of one function

local function opcode(instruction)
  return bit.band(instruction, 0xff)
end

local READ = opcode(bytecode.funcbc(loadstring "return a", 1))
local ASSIGN = opcode(bytecode.funcbc(loadstring "a = ...", 2))

local function walk(proto, found)
  for pc = 1, bytecode.funcinfo(proto).bytecodes - 1 do
    local instruction = bytecode.funcbc(proto, pc)
    local op = opcode(instruction)
    if op == READ or op == ASSIGN then
      local name = bytecode.funck(proto, -bit.rshift(instruction, 16) - 1)
      found(name, bytecode.funcinfo(proto, pc).currentline, op == ASSIGN)
    end
  end
  for i = -1, FARTHEST, -1 do
    local constant = bytecode.funck(proto, i)
    if constant == nil then return end
    if type(constant) == "proto" then walk(constant, found) end
  end
end

return walk
