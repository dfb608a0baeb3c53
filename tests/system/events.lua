-- events.lua - wrk as senders of POST /v1/events: every request another event;
-- ids of those that were answered 202 go to the file of the environment's TAKEN,
-- counts of all answers to standard output.
--
--     TAKEN=FILE TOKEN=TOKEN wrk -t1 -c200 -d30 -s events.lua http://…

local n, counts = 0, {}
local taken = assert(io.open(os.getenv("TAKEN"), "w"))
local headers = {
	["Content-Type"] = "application/json",
	["Authorization"] = "Bearer " .. os.getenv("TOKEN"),
}

function request()
	n = n + 1
	return wrk.format("POST", "/v1/events", headers,
	    '{"event":"complaint.opened","event_id":"W-' .. n ..
	    '","customer":{"id":"7"},"category":"billing","summary":"x"}')
end

function response(status, _, body)
	counts[status] = (counts[status] or 0) + 1
	if status == 202 then
		taken:write(body:match('"event_id":"([^"]*)"'), "\n")
	end
	if counts[status] % 100 == 0 or status ~= 202 then
		taken:flush()
	end
	-- done() is another state: what this one has counted it is told by name
	statuses = ""
	for s, k in pairs(counts) do
		statuses = statuses .. s .. "=" .. k .. " "
	end
end

local threads = {}

function setup(thread)
	threads[#threads + 1] = thread
end

function done(summary)
	for _, thread in ipairs(threads) do
		print("statuses " .. (thread:get("statuses") or ""))
	end
	print("errors " .. summary.errors.connect + summary.errors.read +
	    summary.errors.write + summary.errors.timeout)
end
