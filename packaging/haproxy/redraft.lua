-- SPDX-License-Identifier: MIT
-- Hands a request on to the frontend `inner` of redraft.cfg and its response back. HAProxy alone ends a stream whose replica died
-- by closing the connection, which some clients take for the end of the answer: here it ends with an event that says so. Only
-- whole events are passed on, so that what comes before it can be read.

local SECONDS = 600
local hop = { connection = true, ["transfer-encoding"] = true, ["content-length"] = true, ["keep-alive"] = true, expect = true }
local message = "the replica that wrote this answer is gone; ask again"
local failure = '{"error":{"message":"' .. message .. '","type":"server_error","param":null,"code":"replica_gone"}}'

-- How kinds of streams end their events, and say that one failed.
local streams = {
  ["text/event-stream"] = { stop = "\n\n", failed = "data: " .. failure .. "\n\n" },
  ["application/x-ndjson"] = { stop = "\n", failed = '{"error":"' .. message .. '"}\n' },
}

local function request_of(applet, body)
  local query = applet.qs and #applet.qs > 0 and "?" .. applet.qs or ""
  local lines = { applet.method .. " " .. applet.path .. query .. " HTTP/1.1" }
  for name, values in pairs(applet.headers) do
    for _, value in pairs(values) do
      if not hop[name] then
        lines[#lines + 1] = name .. ": " .. value
      end
    end
  end
  lines[#lines + 1] = "connection: close"
  lines[#lines + 1] = "content-length: " .. #body
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

local function line_of(socket)
  local line = socket:receive("*l")
  return line and line:gsub("\r$", "")
end

-- Status and headers; nil where there are none.
local function head_of(socket)
  local first = line_of(socket)
  local status = first and tonumber(first:match("^HTTP/1%.%d (%d%d%d)"))
  local headers, line = {}, status and line_of(socket)
  while line and #line > 0 do
    local name, value = line:match("^([^:]+):%s*(.*)$")
    if name then
      headers[#headers + 1] = { name:lower(), value }
    end
    line = line_of(socket)
  end
  return line and status, headers
end

-- A chunk of the body; "" at its end, nil where it is cut.
local function chunk_of(socket)
  local line = line_of(socket)
  local size = line and tonumber(line:match("^%x+"), 16)
  if not size then
    return nil
  end
  local data = size > 0 and socket:receive(size) or ""
  if not data or #data < size then
    return nil
  end
  return line_of(socket) and data
end

-- The last byte of the last whole event in the text; 0: there is none.
local function last_stop(text, stop)
  local found, from = 0, 1
  while true do
    local _, to = text:find(stop, from, true)
    if not to then
      return found
    end
    found, from = to, to + 1
  end
end

local function pass_stream(applet, socket, kind)
  local held = ""
  while true do
    local data = chunk_of(socket)
    if not data then
      return applet:send(kind.failed)
    end
    if data == "" then
      return #held > 0 and applet:send(held)
    end
    held = held .. data
    local whole = last_stop(held, kind.stop)
    if whole > 0 then
      applet:send(held:sub(1, whole))
      held = held:sub(whole + 1)
    end
  end
end

-- All of a body, or nil where it is cut.
local function body_of(socket, length)
  if length then
    local data = length > 0 and socket:receive(length) or ""
    return data and #data == length and data or nil
  end
  local parts = {}
  while true do
    local data = chunk_of(socket)
    if not data then
      return nil
    end
    if data == "" then
      return table.concat(parts)
    end
    parts[#parts + 1] = data
  end
end

local function answer(applet, status, headers, body)
  applet:set_status(status)
  for _, h in ipairs(headers) do
    if not hop[h[1]] then
      applet:add_header(h[1], h[2])
    end
  end
  if body then
    applet:add_header("content-length", tostring(#body))
  end
  applet:start_response()
  if body then
    applet:send(body)
  end
end

core.register_service("redraft", "http", function(applet)
  local socket = core.tcp()
  socket:settimeout(SECONDS)
  local status, headers
  if socket:connect(os.getenv("REDRAFT_INNER")) and socket:send(request_of(applet, applet:receive())) then
    status, headers = head_of(socket)
  end
  local length, kind, chunked
  for _, h in ipairs(status and headers or {}) do
    length = h[1] == "content-length" and tonumber(h[2]) or length
    chunked = h[1] == "transfer-encoding" or chunked
    kind = h[1] == "content-type" and streams[h[2]:match("^[^;]+")] or kind
  end
  if status and kind and chunked then
    answer(applet, status, headers)
    pass_stream(applet, socket, kind)
  else
    local body = status and body_of(socket, length)
    if body then
      answer(applet, status, headers, body)
    else
      answer(applet, 502, { { "content-type", "application/json" } }, failure)
    end
  end
  socket:close()
end)
