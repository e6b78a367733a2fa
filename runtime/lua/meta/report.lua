---@meta report
-- What an editor knows about `report`, `template` and `yesterday`, the words of scripts/reports. The module itself is
-- runtime/lua/report/init.lua; docs/reports.md shows how a report is written.

---@alias ReportText string|ReportTemplate a text with {{ value|filter }} in it, or template "FILE"

---@class ReportTemplate

---@class ReportParam
---@field kind "date"|"integer"|"number"|"text"|"boolean"|"table"|"client"
---@field default? any without one the parameter must be given
---@field about? string shown by `signalroom report`
---@field one_of? any[] the only values it may have

---@class ReportSlack
---@field text ReportText
---@field blocks? fun(values: table, escape: fun(text: string): string): table[] Slack's blocks; values in them are yours to escape

---@class ReportEmail
---@field subject ReportText
---@field body ReportText MJML when it begins with <mjml>, else HTML
---@field text? ReportText the plain text beside it; made of the body unless given

---@class ReportDefinition
---@field about? string one line
---@field tz? string the zone of its days; SIGNALROOM_TZ, else America/New_York
---@field params? table<string, any|ReportParam> name = default, or name = { kind = , default = , about = , one_of = }
---@field needs? table<string, string> ["source.resource"] = how old its last load may be: "2h"
---@field wait? string how long a report that is sent waits for that, and for `check`; "2h" unless given
---@field data? string|fun(q: ReportQuery, p: table): table? a statement that gives one row, or a function that gives the values
---@field check? fun(d: table, p: table): boolean, string? whether there is something to say, and why not
---@field slack? ReportText|ReportSlack
---@field email? ReportEmail
---@field sms? ReportText

---The database, as it was at the first statement of this rendering; nothing can be written.
---@class ReportQuery
local ReportQuery = {}

---The only row, nil without one; several are an error. `$name` in the statement is a bound parameter.
---@param sql string
---@param values? table<string, any> usually the report's parameters
---@return table<string, any>?
function ReportQuery:one(sql, values) end

---All rows.
---@param sql string
---@param values? table<string, any>
---@return table<string, any>[]
function ReportQuery:all(sql, values) end

---@class reportlib
---@overload fun(name: string): fun(definition: ReportDefinition)
report = {}

---The names of all reports, sorted.
---@return string[]
function report.names() end

---What a report is.
---@param name string
---@return { name: string, about: string, tz: string, channels: string[], needs: table<string, string>, params: table }
function report.describe(name) end

---The values of all its parameters, defaults and all. What it has not, or cannot read, is a ValueError.
---@param name string
---@param given? table<string, any>
---@param now? number seconds since 1970, from which `yesterday` is counted; the clock unless given
---@return table<string, any>
function report.params(name, given, now) end

---Renders a report for a channel. Without data, or with data that is too old, the result is { ready = false, reason = "..." }.
---Otherwise its letter has `text`, for Slack also `mrkdwn` (its values are escaped) and perhaps `blocks`, for e-mail `subject`
---and `html`, for SMS `sms`: how many messages it is. Raises KeyError for an unknown report, ValueError for a channel or
---parameter that it has not, TemplateError, DbError.
---@param name string
---@param given? table<string, any> parameters
---@param channel "slack"|"email"|"sms"
---@param options? { now: number?, even_if_stale: boolean? }
---@return { name: string, channel: string, date: string?, params: table, ready: boolean, letter: table?, reason: string?, stale: string? }
function report.render(name, given, channel, options) end

---A template that lies in a file beside the report.
---@param name string "daily_ccw.slack.tpl"
---@return ReportTemplate
function template(name) end

---The default of a date: the day before the one that it is now in the report's zone.
---@type ReportParam
yesterday = {}
