-- Mautic: contacts as they change; e-mails, campaigns and segments as they are now; what became of each e-mail sent.

local BASE = (setting("MAUTIC_BASE_URL", ""):gsub("/+$", ""))
local USER = setting("MAUTIC_USERNAME", "")
local PAGE = 200
local PATIENCE = { attempts = 4 } -- of one page, since the pages before it need not be read again

local function ask(run, path, query)
  run:require(BASE ~= "", "ValueError", "Mautic is not configured. Set MAUTIC_BASE_URL")
  return run:get(path, { query = query, retry = PATIENCE })
end

local function condition(query, number, column, expression, value)
  local place = ("where[%d]"):format(number)
  query[place .. "[col]"], query[place .. "[expr]"], query[place .. "[val]"] = column, expression, value
  return query
end

local function last_id(reply, entity)
  local last = 0
  for _, row in pairs(reply:json()[entity]) do last = math.max(last, tonumber(row.id)) end
  return last
end

-- All that meets `conditions`. A page begins behind the last id of the one before: one that began at a number of rows would
-- leave out a row for each that was deleted meanwhile.
local function read(run, path, entity, query, ...)
  query.limit = PAGE
  for number, one in ipairs { ... } do condition(query, number, unpack(one)) end
  run:pages(0, function(last)
    if last > 0 then condition(query, 0, "id", "gt", last) end
    local reply = ask(run, path, query)
    local got, total = run:rows(reply, entity .. ".*"), tonumber(run:value(reply, "total"))
    if not total or got == 0 and total > 0 then
      error(VendorError(("Mautic has %s %s and gave %d"):format(tostring(total), entity, got)), 0)
    end
    return reply, got < total and last_id(reply, entity) or nil
  end)
end

-- Times as Mautic's database has them, in UTC.
local function stamp(instant)
  return instant and instant:gsub("T", " "):gsub("Z", "")
end

local function by_id()
  return { orderBy = "id", orderByDir = "asc" }
end

local function everything(entity, list)
  return function(run) read(run, "/api/" .. entity, list or entity, by_id()) end
end

-- A contact that was never changed has no date_modified, so that new ones are asked for by themselves.
local function fetch_contacts(run)
  local from = stamp(run:between())
  if not from then return read(run, "/api/contacts", "contacts", by_id()) end
  for _, column in ipairs { "date_added", "date_modified" } do
    read(run, "/api/contacts", "contacts", by_id(), { column, "gte", from })
  end
end

local function fetch_email_stats(run)
  local from, to = run:between()
  read(run, "/api/stats/email_stats", "stats", { ["order[0][col]"] = "id", ["order[0][dir]"] = "asc" },
    { "date_sent", "gte", stamp(from) }, { "date_sent", "lt", stamp(to) })
end

-- What an entity of Mautic always has, and the columns of its own.
local function columns(own)
  own.id, own.is_published = "int!", "bool at isPublished"
  own.date_added, own.date_modified = "timestamptz at dateAdded", "timestamptz at dateModified"
  return own
end

local function publication(own)
  own.publish_up, own.publish_down = "timestamptz at publishUp", "timestamptz at publishDown"
  own.name, own.category = "text", "text at category.title"
  return columns(own)
end

-- An API client's grant, or a user's password.
local function credentials(declared)
  if USER ~= "" then
    declared.secrets = { "MAUTIC_PASSWORD" }
    declared.headers = function(run) return { Authorization = "Basic " .. crypto.base64(USER .. ":" .. run:secret "MAUTIC_PASSWORD") } end
    return declared
  end
  declared.secrets = { "MAUTIC_CLIENT_ID", "MAUTIC_CLIENT_SECRET" }
  declared.token = function(run)
    local got = run:post("/oauth/v2/token", { form = { grant_type = "client_credentials", client_id = run:secret "MAUTIC_CLIENT_ID",
      client_secret = run:secret "MAUTIC_CLIENT_SECRET" } }):json()
    return got.access_token, got.expires_in
  end
  return declared
end

source "mautic"(credentials {
  base_url = BASE,
  tz = "America/New_York", lookback = "7d", initial = "2025-12-20",
  rate = setting("MAUTIC_RATE", "300/min"),

  probe = function(run)
    local total = run:value(ask(run, "/api/contacts", { limit = 1, minimal = 1 }), "total")
    return ("%s contacts"):format(tostring(total))
  end,

  resource "contacts" {
    key = { "id" },
    window = "changes",
    columns = columns {
      email = "text at fields.all.email", firstname = "text at fields.all.firstname", lastname = "text at fields.all.lastname",
      company = "text at fields.all.company", phone = "text at fields.all.phone", city = "text at fields.all.city",
      state = "text at fields.all.state", country = "text at fields.all.country", points = "int", owner_id = "int at owner.id",
      last_active = "timestamptz at lastActive", date_identified = "timestamptz at dateIdentified", fields = "jsonb at fields.all",
      tags = "jsonb",
    },
    fetch = fetch_contacts,
  },

  resource "emails" {
    key = { "id" },
    columns = publication { subject = "text", language = "text", email_type = "text at emailType", read_count = "int at readCount",
      sent_count = "int at sentCount" },
    fetch = everything "emails",
  },

  resource "campaigns" {
    key = { "id" },
    columns = publication { description = "text" },
    fetch = everything "campaigns",
  },

  resource "segments" {
    key = { "id" },
    columns = columns { name = "text", alias = "text", description = "text", is_global = "bool at isGlobal", filters = "jsonb" },
    fetch = everything("segments", "lists"),
  },

  resource "email_stats" {
    key = { "id" },
    window = "range", days = 7, window_column = "date_sent",
    columns = {
      id = "int!", email_id = "int", contact_id = "int at lead_id", segment_id = "int at list_id", email_address = "text",
      date_sent = "timestamptz(UTC)!", is_read = "bool", is_failed = "bool", viewed_in_browser = "bool", date_read = "timestamptz(UTC)",
      open_count = "int", last_opened = "timestamptz(UTC)", retry_count = "int", source = "text", source_id = "int",
    },
    fetch = fetch_email_stats,
  },
})
