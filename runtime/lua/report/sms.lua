-- How many messages an SMS is: in GSM's own alphabet 160 characters fit one and 153 each of several; any other character
-- makes it UCS-2, with 70 and 67.

local errors = require "errors"

local LONGEST = 1600 -- characters; Twilio refuses more

local BASIC = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
  .. "abcdefghijklmnopqrstuvwxyzäöñüà"
local DOUBLE = "^{}\\[~]|€\f" -- behind an escape: two places each

local places = {}
for character in BASIC:gmatch "[%z\1-\127\192-\255][\128-\191]*" do places[character] = 1 end
for character in DOUBLE:gmatch "[%z\1-\127\192-\255][\128-\191]*" do places[character] = 2 end

local function parts(length, one, several)
  return length <= one and 1 or math.ceil(length / several)
end

--- Its length as the networks count it.
---@param text string
---@return { characters: integer, length: integer, encoding: "GSM-7"|"UCS-2", segments: integer }
return function(text)
  local characters, gsm, ucs, is_gsm = 0, 0, 0, true
  for character in text:gmatch "[%z\1-\127\192-\255][\128-\191]*" do
    characters = characters + 1
    ucs = ucs + (#character > 3 and 2 or 1)
    is_gsm = is_gsm and places[character] ~= nil
    gsm = gsm + (places[character] or 0)
  end
  if characters > LONGEST then error(errors.ValueError(("the SMS has %d characters, more than %d"):format(characters, LONGEST)), 0) end
  local length = is_gsm and gsm or ucs
  return { characters = characters, length = length, encoding = is_gsm and "GSM-7" or "UCS-2",
    segments = is_gsm and parts(length, 160, 153) or parts(length, 70, 67) }
end
