-- What only the stage shows of a window's rows, all of them together: values that a column's `enums` do not have, keys that
-- come twice, NUL characters that were taken out. Findings are as sync.contract has them.

local sql = require "sync.sql"

local VALUES_MOST = 20

local staged = {}

local function surprise(job, column, row, rows)
  return { kind = "enum_surprise", field = ("%s=%s"):format(column, row.value), policy = job.resource.drift.enum_surprise,
    text = ("field %s is %q in %d/%d rows (first in row %d), which is none of its values"):format(column, row.value, row.rows, rows,
      row.first) }
end

local function surprises(tx, work, column, known, list)
  local found = tx:query(sql.strange_values(column, VALUES_MOST + 1), sql.text_array(known))
  for i = 1, math.min(#found, VALUES_MOST) do list[#list + 1] = surprise(work.job, column, found[i], work.staged) end
  if #found <= VALUES_MOST then return end
  list[#list + 1] = { kind = "enum_surprise", field = column .. "=*", policy = work.job.resource.drift.enum_surprise,
    text = ("field %s has more than %d values that are none of its values"):format(column, VALUES_MOST) }
end

--- Values of columns with `enums` that these do not have, a finding each.
---@param tx table
---@param work table
---@return table[] findings
function staged.enums(tx, work)
  local list = {}
  for column, known in pairs(work.job.resource.enums or {}) do
    if work.target.types[column] then surprises(tx, work, column, known, list) end
  end
  return list
end

--- NUL characters that texts had: two keys that differ by one are one without it.
---@param work table
---@return table[] findings
function staged.nuls(work)
  local count = work.run.plan and work.run.plan:nuls() or 0
  if count == 0 then return {} end
  return { { kind = "nul", field = "*", policy = "warn",
    text = ("%d NUL characters, which Postgres cannot hold, were taken out of texts"):format(count) } }
end

--- Rows whose key an earlier row has, where each row should be there once: not where a later version is as good.
---@param tx table
---@param work table
---@param kept integer  rows with different keys
---@return table[] findings
function staged.duplicates(tx, work, kept)
  local resource, again = work.job.resource, work.staged - kept
  if again == 0 or resource.cursor or resource.window == "changes" then return {} end
  local first = tx:query(sql.first_duplicate(work))[1]
  return { { kind = "duplicate_key", field = table.concat(resource.key, ", "), policy = resource.drift.duplicate_key,
    text = ("%d/%d rows have the key of an earlier row (%s; first in rows %d and %d: %s)"):format(again, work.staged,
      table.concat(resource.key, ", "), first.one, first.other, first.key) } }
end

return staged
