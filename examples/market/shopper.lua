-- A shopper: buys at the market, and keeps what it is given in its basket.
Basket = Basket or {}

Handlers.add('shop', 'Shop', function(msg)
  local answer = Send({ Target = msg.Tags.Market, Action = 'buy', Data = msg.Data }).receive()
  if answer.Action == 'Error' then
    print('refused: ' .. answer.Data.message)
    return
  end
  local bought = answer.Data
  table.insert(Basket, bought.goods)
  print('bought ' .. bought.goods .. ', paid ' .. bought.price)
end)
