-- wrk: uniform random authenticated requests. The environment: BENCH_KIND (get, list or items) and
-- BENCH_TOKENS, a file with the bearer token of user 0 … 99, one a line.
local kind = os.getenv("BENCH_KIND")
local tails = {}
for token in io.lines(os.getenv("BENCH_TOKENS")) do
    tails[#tails + 1] = " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " .. token .. "\r\n\r\n"
end

function init(_)
    math.randomseed(os.time())
end

-- Run number i has the id …-00000 followed by 1000000 + i and belongs to user i % 100 (load.sql).
local function get_below(rest)
    local i = math.random(0, 99999)
    return "GET /api/v1/runs/01900000-0000-7000-8000-00000" .. (1000000 + i) .. rest .. tails[i % 100 + 1]
end

local function get()
    return get_below("")
end

local function items()
    return get_below("/items?page_size=50")
end

local function list()
    return "GET /api/v1/runs?page_size=50" .. tails[math.random(1, #tails)]
end

request = ({get = get, list = list, items = items})[kind]

function done(summary, latency, _)
    local errors = summary.errors
    io.write(string.format(
        "\nBENCH {\"requests\": %d, \"seconds\": %f, \"bytes\": %d, \"bad_status\": %d, \"broken\": %d, \"p99_ms\": %f}\n",
        summary.requests, summary.duration / 1e6, summary.bytes, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(99) / 1000))
end
