-- Google Sheets: each range is a table that its first row gives the columns. Rows that vanish from the sheet vanish here.
--
-- Share the spreadsheet with the service account's client_email; its key is a JSON file, named by
-- GOOGLE_SHEETS_CREDENTIALS_PATH, or its text, in GOOGLE_SHEETS_CREDENTIALS_JSON.

-- A line for each table: the spreadsheet's id (from its address), a tab's name or a range as "Map!A1:F", and the columns that
-- name a row. Without a key it is named by its place, `_row_id`. `types` says what a column must be: { cost = "money!" }.
local SHEETS = {
  sheets_data = { spreadsheet = setting("GOOGLE_SHEETS_SPREADSHEET_ID", ""), range = setting("GOOGLE_SHEETS_RANGE", "Sheet1") },
}

local SCOPE = "https://www.googleapis.com/auth/spreadsheets.readonly"
local TOKEN_URL = "https://oauth2.googleapis.com/token"
local PATH = setting("GOOGLE_SHEETS_CREDENTIALS_PATH", "")
local NAME = PATH ~= "" and "GOOGLE_SHEETS_CREDENTIALS_PATH" or "GOOGLE_SHEETS_CREDENTIALS_JSON"

local function refuse(why)
  error(AuthError { message = ("%s: %s"):format(NAME, why), non_retryable = true })
end

local function key_text()
  if PATH == "" then return secret(NAME) end
  local ok, text = pcall(file.read, PATH)
  return ok and text or refuse(text.message)
end

local function service_account()
  local good, account = pcall(json.decode, key_text()) -- its complaint would show the text
  if good and type(account) == "table" and type(account.client_email) == "string" and type(account.private_key) == "string" then
    return account
  end
  refuse "this is no key of a service account: JSON with client_email and private_key"
end

local function part(value)
  return crypto.base64url(json.encode(value))
end

-- The account's word that it is who it is, good for an hour.
local function assertion(account)
  local now = os.time()
  local text = part { alg = "RS256", typ = "JWT", kid = account.private_key_id } .. "."
    .. part { iss = account.client_email, scope = SCOPE, aud = account.token_uri or TOKEN_URL, iat = now, exp = now + 3600 }
  local ok, signature = pcall(crypto.rs256, account.private_key, text)
  return ok and text .. "." .. crypto.base64url(signature) or refuse(signature.message)
end

local function escape(text)
  return (text:gsub("[^%w%-_%.~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function ask(run, spreadsheet, rest, query)
  run:require(spreadsheet ~= "", "ValueError", "no spreadsheet is named. Set GOOGLE_SHEETS_SPREADSHEET_ID")
  local ok, reply = pcall(run.get, run, "/v4/spreadsheets/" .. escape(spreadsheet) .. rest, { query = query })
  if ok then return reply:json() end
  if reply.status == 403 then
    reply.message = ("%s: share the spreadsheet with %s"):format(reply.message, service_account().client_email)
  end
  error(reply, 0)
end

local function sheet(name, about)
  return resource(name) {
    window = "none",
    key = about.key or { "_row_id" },
    fetch = function(run)
      local kwargs = run.kwargs
      local answer = ask(run, kwargs.spreadsheet_id or about.spreadsheet, "/values:batchGet", { ranges = kwargs.range or about.range,
        majorDimension = "ROWS", valueRenderOption = "UNFORMATTED_VALUE", dateTimeRenderOption = "FORMATTED_STRING" })
      local range = (answer.valueRanges or {})[1]
      run:require(range, "VendorError", "Google answered without a range")
      run:sheet(range.values or {}, about.types)
    end,
  }
end

local declared = {
  base_url = setting("GOOGLE_BASE_URL", "https://sheets.googleapis.com"),
  secrets = { NAME },
  kwargs = { "spreadsheet_id", "range" },
  rate = setting("GOOGLE_RATE", "60/min"),
  busy = setting("GOOGLE_QUOTA_WAIT", "60s"), -- quotas are by the minute, and Google does not say how long to wait

  token = function(run)
    local account = service_account()
    local got = run:post(setting("GOOGLE_TOKEN_URL", account.token_uri or TOKEN_URL), {
      form = { grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion = assertion(account) },
    }):json()
    return got.access_token, got.expires_in
  end,

  probe = function(run)
    local title = ask(run, SHEETS.sheets_data.spreadsheet, "", { fields = "properties.title" }).properties.title
    return ("the spreadsheet %q may be read"):format(title)
  end,
}

for name, about in pairs(SHEETS) do declared[#declared + 1] = sheet(name, about) end

source "google_sheets"(declared)
