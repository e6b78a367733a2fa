-- The words of an expression: {{ total_cost|currency("€") }} is name, sign, name, sign, text, sign.

local WORDS = { ["and"] = true, ["or"] = true, ["not"] = true, ["true"] = true, ["false"] = true, none = true }

local PATTERNS = {
  { "name", "^[%a_][%w_]*" }, { "number", "^%d+%.?%d*" },
  { "sign", "^[=!<>]=" }, { "sign", "^[<>|().,%-]" },
}

local function quoted(text, at)
  local quote = text:sub(at, at)
  local stop = text:find(quote, at + 1, true)
  if not stop then error("a text has no end: " .. text:sub(at), 0) end
  return { "text", text:sub(at + 1, stop - 1) }, stop + 1
end

local function next_token(text, at)
  if text:find("^[\"']", at) then return quoted(text, at) end
  for _, pattern in ipairs(PATTERNS) do
    local from, to = text:find(pattern[2], at)
    if from then return { WORDS[text:sub(from, to)] and "word" or pattern[1], text:sub(from, to) }, to + 1 end
  end
  error(("%q is not understood here"):format(text:sub(at, at)), 0)
end

--- The tokens of an expression. Raises plain text on what is none.
---@param text string
---@return table[] list of { kind, text }: name, word, number, text, sign
return function(text)
  local list, at = {}, text:find "%S" or #text + 1
  while at <= #text do
    list[#list + 1], at = next_token(text, at)
    at = text:find("%S", at) or #text + 1
  end
  return list
end
