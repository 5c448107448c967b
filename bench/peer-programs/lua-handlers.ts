/**
 * What the aos processes of the comparison run. `Inc` counts and replies; `Hop` passes a counter
 * to `Peer` until it is used up, and keeps the timestamps of the first and the last hop it saw.
 */
export const HANDLERS_LUA = `
Count = 0
Handlers.add('Inc', Handlers.utils.hasMatchingTag('Action', 'Inc'), function (msg)
  Count = Count + 1
  msg.reply({ Data = tostring(Count) })
end)
Handlers.add('Hop', Handlers.utils.hasMatchingTag('Action', 'Hop'), function (msg)
  if msg.Tags.Start then First = msg.Timestamp end
  Last = msg.Timestamp
  Left = tonumber(msg.Tags.Left)
  if Left > 0 then
    ao.send({ Target = Peer, Tags = { Action = 'Hop', Left = tostring(Left - 1) } })
  end
end)
Handlers.add('Stats', Handlers.utils.hasMatchingTag('Action', 'Stats'), function (msg)
  msg.reply({ Data = tostring(Left) .. ' ' .. tostring(First) .. ' ' .. tostring(Last) })
end)
`
