import type { GuestMessage } from '../../../protocol/index.ts'
import { actionOf, evalOf, messageOf, OTHER, PROCESS, UNIT } from './fixtures.ts'

/** A step of the scenario; those that fail cost the oracle a copy of its memory. */
export interface Step {
  readonly message: GuestMessage
  readonly fails: boolean
}

const SETUP = `
json = require('json')
Balances = { alice = 100 }
Counter = 0
Log = {}
function P(...)
  local t = {}
  for i = 1, select('#', ...) do t[i] = tostring((select(i, ...))) end
  return table.concat(t, ' ')
end
Handlers.add('inc', Handlers.utils.hasMatchingTag('Action', 'Inc'), function (m)
  Counter = Counter + 1
  ao.send({ Target = m.From, Action = 'Counted', Data = tostring(Counter), Slot = tostring(m.Nonce) })
end)
Handlers.add('fail', Handlers.utils.hasMatchingTag('Action', 'Fail'), function (m)
  Counter = Counter + 1000
  ao.send({ Target = m.From, Data = 'never' })
  error('handler failed on ' .. m.Data)
end)
Handlers.add('transfer', Handlers.utils.hasMatchingTag('Action', 'Transfer'), function (m)
  local n = tonumber(m.Quantity)
  assert(n and n > 0 and n <= Balances.alice, 'bad quantity')
  Balances.alice = Balances.alice - n
  Balances[m.Recipient] = (Balances[m.Recipient] or 0) + n
  ao.send({ Target = m.From, Action = 'Debit-Notice', Quantity = m.Quantity })
  ao.send({ Target = m.Recipient, Action = 'Credit-Notice', Quantity = m.Quantity, Tags = { ['X-Note'] = 'thanks' } })
end)`

/** Snippets of Lua that must not fail; `$n` is a running number. */
const FINE = [
  'return 1 + 41',
  'X = (X or 0) + $n; return X',
  'return json.encode({ n = $n, list = { 1, 2.5, "three", true }, nested = { a = { b = { c = $n } } } })',
  'local t = json.decode(\'{"a":[1,2,{"b":null}],"c":"\\\\u00e9\\\\n","d":$n}\'); return P(t.a[3].b, t.c, t.d)',
  'local t = {} for i = 1, 200 do t[i] = (i * 7919 + $n) % 1009 end table.sort(t) return table.concat(t, ",")',
  'local t = {} for w in ("the quick brown fox $n"):gmatch("%w+") do t[#t + 1] = w:upper():reverse() end return table.concat(t, " ")',
  'return string.format("%5.2f|%x|%q|%-8s|%08d|%g", 3.14159, 255, "a\\nb", "left", $n, 1e100)',
  'return ("x"):rep(2000):gsub("xx", "y"):len()',
  'local co = coroutine.wrap(function(a) local b = coroutine.yield(a * 2) return b .. "done" end) return co($n) .. co("then ")',
  'local n = 0 for i = 1, 300 do local ok, e = pcall(error, { code = i }) if not ok then n = n + e.code end end return n',
  'local function f(n) if n == 0 then return 0 end return 1 + f(n - 1) end return f(5000)',
  'return P(math.random(1, 1000), math.random($n), math.random())',
  'return P(os.time(), os.date("!%Y-%m-%d %H:%M:%S", 1700000000 + $n), os.date("%A %B %j %U %V %p", 86400 * $n))',
  'return os.time({ year = 2024, month = 2, day = 29, hour = 12 })',
  'print("line $n"); print({ a = 1, b = { "x" } }); print(true); print(nil); return "printed"',
  'ao.send({ Target = "somebody", Data = "hello $n", Action = "Greet", Tags = { A = "1", B = "2" } }); return #ao.outbox.Messages',
  'Send({ Target = ao.id, Action = "Inc", Data = "$n" })',
  'Spawn(ao._module or "module", { Data = "child $n", Tags = { Name = "kid" } })',
  'if ao.assign then Assign({ Processes = { ao.id }, Message = "message-$n" }) end',
  'Log[#Log + 1] = ("entry $n "):rep(50); return #Log',
  'local t = setmetatable({}, { __index = function(_, k) return k .. "!" end, __call = function(_, x) return x * 2 end }) return P(t.foo, t($n), -$n, -126666675431)',
  'return P(utf8.char(233, 8364, 128512), #"\\u{1F600}", utf8.len("h\\u{e9}llo"))',
  'return P(string.pack("<i4d", $n, 1.5):byte(1, -1))',
  'return P(7 // 2, -7 // 2, 7 % -3, 1 << 40, 0xff ~ 0x0f, 2^53, 1/0, -(0/0) ~= 0/0, math.maxinteger + 1 == math.mininteger)',
  'local s = 0 for k, v in pairs(Balances) do s = s + v end return P(s, Counter)',
  'return P(select("#", table.unpack({ 1, nil, 3 }, 1, 3)), next({}), type(io.open("/tmp/none")), os.getenv("HOME"))',
  'collectgarbage() return collectgarbage("count") < 100000',
  'local r = {} for i = 1, 40 do r[i] = xpcall(function() local x = nil; return x.y end, function(e) return "handled" end) end return #r',
  'goto done; do return "skipped" end ::done:: return load("return ... + 1")($n)',
  'return P(require(".crypto.init") ~= nil, tostring(1e15), tostring(2^63), 10 / 2, 3 | 0)',
  'local t = {} for i = 1, 50 do t["k" .. i * 7919] = i end local o = {} for k in pairs(t) do o[#o + 1] = k end return table.concat(o, ",")',
  'return P(("f(a(b)c)d"):match("%b()"), ("THE (quick) fox"):gsub("%f[%a]%a+", string.lower), pcall(string.find, "a", "[a"))',
  'local function nest(n) if n == 0 then return "deep" end return coroutine.wrap(function() return nest(n - 1) end)() end return P(pcall(nest, 250))',
  'local s = "x" for i = 1, 250 do s = "(" .. s .. ")" end return P(load("return " .. s))',
  'return P(pcall(json.decode, \'{"a":\'), pcall(json.encode, { [1] = 1, a = 2 }), pcall(os.date, "%Q", 0), pcall(string.rep, "x", 1 << 40))',
  'local b = require(".bint")(256) return P(b.ipow(b(7), b(80)), b("123456789012345678901234567890") * b($n), b(-10) % b(3))',
  'local c = require(".crypto") return c.digest.keccak256("$n").asHex() .. c.digest.sha2_512("abc").asHex() .. c.digest.blake2b("abc").asHex()',
  'coroutine.yield("from eval")',
  'return { zebra = 1, apple = { 2, { 3 } }, mango = { kiwi = true } }',
  'return P(io.open("/etc/passwd")) .. P(os.remove("/nope")) .. load(string.dump(function() return "dumped" end))()',
]

/** Snippets of Lua that must fail after they changed something. */
const FAILING = [
  'X = 777; error("boom $n")',
  'Log = nil; local t = nil; return t.field',
  'Balances.alice = 0; for i = 1, 3000 do Log[#Log + 1] = ("garbage"):rep(100) end; error("after a big change")',
  'return 1 + {}',
  'this is not lua $n',
  'local function f() return f() + 1 end return f()',
  'X = 777; error({ code = $n })',
  'X = 777; error()',
  'local x <const> = 1; x = 2',
]

const fill = (template: string, value: number): string => template.replaceAll('$n', String(value))

/** Times that make AO's loader and this runtime seed Lua's tables alike: within the loader's own second. */
const timed = (message: GuestMessage): GuestMessage => ({
  ...message,
  timestampMs: 10_000 + message.slot,
})

/** 200 messages that use an aos process in many ways, failures in between. */
export function makeScenario(): Step[] {
  const steps: Step[] = [
    { message: messageOf(0, ''), fails: false },
    { message: evalOf(1, SETUP), fails: false },
  ]
  while (steps.length < 200) {
    const slot = steps.length
    steps.push(slot % 11 === 10 ? failing(slot) : slot % 3 === 2 ? acting(slot) : fine(slot))
  }
  return steps.map(step => ({ ...step, message: timed(step.message) }))
}

function fine(slot: number): Step {
  return { message: evalOf(slot, fill(FINE[slot % FINE.length] ?? '', slot)), fails: false }
}

function failing(slot: number): Step {
  const index = Math.floor(slot / 11)
  if (index % 4 === 3) return { message: actionOf(slot, 'Fail', `slot ${slot}`), fails: true }
  return { message: evalOf(slot, fill(FAILING[index % FAILING.length] ?? '', slot)), fails: true }
}

function acting(slot: number): Step {
  const pushed = { from: OTHER, owner: UNIT, fromProcess: OTHER }
  if (slot % 4 === 0) return { message: actionOf(slot, 'Inc', 'x', pushed), fails: false }
  if (slot % 4 === 1)
    return {
      message: actionOf(slot, 'Inc', 'x', { ...pushed, owner: OTHER.replace('Q', 'Z') }),
      fails: false,
    }
  if (slot % 4 === 2)
    return {
      message: messageOf(slot, `plain text ${slot} \u00e9\u20ac\ud83d\ude00 "quoted"\n`),
      fails: false,
    }
  const base = actionOf(slot, 'Transfer', '')
  const tags = [...base.tags, { name: 'Quantity', value: '1' }, { name: 'Recipient', value: PROCESS }]
  return { message: { ...base, tags }, fails: false }
}
