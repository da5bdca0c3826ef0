//! The Lua scripts, each one state change. Keys come in pairs: a job's record and what stays of it after its end.

use redis::Script;

/// Ends one job: sets its record's end, the times to live, and tells those who wait. `token` tells this call from others.
const END: &str = r"
local function finish(job, ended, token, keep, remember, channel, id, status, result, error)
    local time = redis.call('TIME')
    local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
    redis.call('HSETNX', job, 'submitted', now)
    redis.call('HSET', job, 'status', status, 'finished', now, 'result', result, 'error', error, 'token', token)
    local longer = 0
    local batch, till = unpack(redis.call('HMGET', job, 'batch', 'until'))
    if batch then
        -- A batch keeps the results of its jobs as long as itself.
        longer = math.max(till - now - keep, 0)
        if redis.call('EXISTS', batch) == 1 then
            redis.call('HINCRBY', batch, status, 1)
            redis.call('HSET', batch, 'finished', now)
        end
    end
    redis.call('PEXPIRE', job, string.format('%.0f', keep + longer))
    redis.call('SET', ended, token, 'PX', string.format('%.0f', remember + longer))
    redis.call('PUBLISH', channel, id)
end
";

/// Counts those who made the record; a call that is sent twice is known by its token, and counts once.
const CREATE: &str = r"
if redis.call('EXISTS', KEYS[2]) == 1 then
    return
end
if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('HSET', KEYS[1], 'status', 'queued', 'submitted', ARGV[1], 'owner', ARGV[3])
    if ARGV[5] then
        redis.call('HSET', KEYS[1], 'batch', ARGV[5], 'until', ARGV[6])
    end
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
if redis.call('HGET', KEYS[1], 'created') ~= ARGV[4] then
    redis.call('HSET', KEYS[1], 'created', ARGV[4])
    redis.call('HINCRBY', KEYS[1], 'creators', 1)
end
";

const DISCARD: &str = r"
if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('EXISTS', KEYS[2]) == 0
        and redis.call('HGET', KEYS[1], 'discarded') ~= ARGV[3] then
    redis.call('HSET', KEYS[1], 'discarded', ARGV[3])
    local others = redis.call('HINCRBY', KEYS[1], 'creators', -1)
    if others <= 0 and redis.call('HGET', KEYS[1], 'status') == 'queued' then
        redis.call('DEL', KEYS[1])
    end
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
";

const CONFIRM: &str = r"
for _, job in ipairs(KEYS) do
    if redis.call('HGET', job, 'status') == 'queued' then
        redis.call('HSET', job, 'confirmed', 1)
    end
end
";

/// Gives the job and the fingerprint that the key stands for, which are those that were sent where it stood for none.
const CLAIM: &str = r"
redis.call('HSETNX', KEYS[1], 'job', ARGV[1])
if redis.call('HSETNX', KEYS[1], 'fingerprint', ARGV[2]) == 1 then
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return redis.call('HMGET', KEYS[1], 'job', 'fingerprint')
";

const START: &str = r"
local answers = {}
for i = 1, #KEYS / 2 do
    local job, ended = KEYS[2 * i - 1], KEYS[2 * i]
    if redis.call('EXISTS', ended) == 1 then
        answers[i] = 0
    else
        if redis.call('HGET', job, 'status') == 'queued' then
            redis.call('HSET', job, 'status', 'processing')
        end
        answers[i] = 1
    end
end
return answers
";

/// Each call leaves its name, so that one that is sent twice counts once.
const BEGIN_ALONE: &str = r"
if redis.call('EXISTS', KEYS[1]) == 1 then
    return -1
end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return redis.call('SCARD', KEYS[2]) - 1
";

const FINISH: &str = r"
local answers = {}
for i = 1, #KEYS / 2 do
    local job, ended = KEYS[2 * i - 1], KEYS[2 * i]
    -- The same job may be there twice; only its first outcome is the winner's.
    local token = ARGV[1] .. ':' .. i
    local winner = redis.call('GET', ended)
    if winner then
        answers[i] = winner == token and 1 or 0
    else
        local first = 4 + 4 * (i - 1)
        finish(job, ended, token, ARGV[2], ARGV[3], ARGV[4],
            ARGV[first + 1], ARGV[first + 2], ARGV[first + 3], ARGV[first + 4])
        answers[i] = 1
    end
end
return answers
";

const CANCEL: &str = r"
local winner = redis.call('GET', KEYS[2])
if winner then
    return winner == ARGV[1] and 'canceled' or 'ended'
end
local status = redis.call('HGET', KEYS[1], 'status')
if not status then
    return 'unknown'
end
if status ~= 'queued' then
    return 'started'
end
finish(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], 'canceled', '', '')
return 'canceled'
";

const OPEN_BATCH: &str = r"
if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'created', ARGV[2], 'expires', ARGV[3])
    redis.call('PEXPIREAT', KEYS[1], ARGV[4])
end
";

/// Gives what became of the items, and a number that goes with it. Sent twice, it finds what it has added.
const APPEND_ITEMS: &str = r"
local expires, canceled, closed = unpack(redis.call('HMGET', KEYS[1], 'expires', 'taken_back', 'closed'))
if not expires then
    return {'unknown', 0}
end
if canceled then
    return {'canceled', 0}
end
local first, total, fresh, differs = ARGV[1], redis.call('LLEN', KEYS[2]), 0, nil
for i = 2, #ARGV, 2 do
    local number = first + (i - 2) / 2
    if number <= total then
        if redis.call('LINDEX', KEYS[2], number - 1) ~= ARGV[i] then
            differs = number
            break
        end
    elseif number == total + 1 and not closed then
        redis.call('RPUSH', KEYS[2], ARGV[i])
        redis.call('HINCRBY', KEYS[1], 'refused', ARGV[i + 1])
        total = number
        fresh = fresh + 1
    else
        differs = number
        break
    end
end
if fresh > 0 then
    redis.call('HSET', KEYS[1], 'total', total)
    redis.call('PEXPIREAT', KEYS[2], expires)
end
if differs then
    return {'differs', differs}
end
return {'added', fresh}
";

/// Sets a mark on a batch that is there.
const MARK_BATCH: &str = r"
if redis.call('EXISTS', KEYS[1]) == 1 then
    redis.call('HSET', KEYS[1], ARGV[1], 1)
end
";

/// What is given again for the same job takes a later place.
const RECORD_FEEDBACK: &str = r"
local number = redis.call('INCR', KEYS[3])
redis.call('ZADD', KEYS[1], number, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
";

/// Known to the server by their hashes after their first use.
pub(super) struct Scripts {
    pub(super) create: Script,
    pub(super) claim: Script,
    pub(super) discard: Script,
    pub(super) confirm: Script,
    pub(super) start: Script,
    pub(super) begin_alone: Script,
    pub(super) finish: Script,
    pub(super) cancel: Script,
    pub(super) record_feedback: Script,
    pub(super) open_batch: Script,
    pub(super) append_items: Script,
    pub(super) mark_batch: Script,
}

impl Default for Scripts {
    fn default() -> Self {
        Self {
            create: Script::new(CREATE),
            claim: Script::new(CLAIM),
            discard: Script::new(DISCARD),
            confirm: Script::new(CONFIRM),
            start: Script::new(START),
            begin_alone: Script::new(BEGIN_ALONE),
            finish: Script::new(&format!("{END}{FINISH}")),
            cancel: Script::new(&format!("{END}{CANCEL}")),
            record_feedback: Script::new(RECORD_FEEDBACK),
            open_batch: Script::new(OPEN_BATCH),
            append_items: Script::new(APPEND_ITEMS),
            mark_batch: Script::new(MARK_BATCH),
        }
    }
}
