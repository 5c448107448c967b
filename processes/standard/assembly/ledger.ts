// A token by AO's conventions. Actions: Info, Balance (Recipient or Target, else the sender's),
// Balances (Cursor, Limit), Total-Supply, Transfer (Recipient, Quantity, X-…, Cast), Mint (Quantity,
// Recipient; the spawner only). The spawn message may name Name, Ticker, Denomination, Logo and
// Initial-Supply, which the spawner gets.
//
// 1. The balances add up to the supply after every slot.
// 2. No balance of zero is kept, and no amount passes DIGITS_MAX digits, because the supply does not.

import {
  answer,
  fail,
  firstTag,
  from,
  getText,
  id,
  keysAfter,
  kind,
  KIND_SPAWN,
  nextTag,
  Outgoing,
  remove,
  required,
  respond,
  setText,
  tag,
  tagName,
  tagValue,
  to,
} from './atoll'
import { amountOf, compare, minus, plus } from './decimal'
import { isAddress, pageLimit } from './text'

export { inbox } from './atoll'

const BALANCE = 'balance:'
const SUPPLY = 'supply'
const OWNER = 'owner'
const PAGE_MAX: i32 = 256

export function handle(length: i32): i32 {
  if (kind() == KIND_SPAWN) {
    begin()
    return 0
  }
  const action = tag('Action')
  if (action == 'Transfer') transfer()
  else if (action == 'Balance') balance()
  else if (action == 'Balances') balances()
  else if (action == 'Info') info()
  else if (action == 'Total-Supply') totalSupply()
  else if (action == 'Mint') mint()
  else if (action != 'Credit-Notice' && action != 'Debit-Notice') fail('Unknown Action')
  return 0
}

function begin(): void {
  setText(OWNER, from())
  keepTag('Name', 'Token')
  keepTag('Ticker', 'TKN')
  keepTag('Denomination', '12')
  keepTag('Logo', '')
  setText(SUPPLY, '0')
  const initial = tag('Initial-Supply')
  if (initial == null) return
  const amount = amountOf(initial)
  if (amount == null) {
    fail('Initial-Supply must be a whole number of up to 76 digits')
    return
  }
  setText(SUPPLY, amount)
  setBalance(from(), amount)
}

function keepTag(name: string, otherwise: string): void {
  const value = tag(name)
  setText('info:' + name, value == null ? otherwise : value)
}

function kept(name: string): string {
  const value = getText('info:' + name)
  return value == null ? '' : value
}

function info(): void {
  const facts = answer().tag('Name', kept('Name')).tag('Ticker', kept('Ticker'))
  respond(facts.tag('Logo', kept('Logo')).tag('Denomination', kept('Denomination')), kept('Name'))
}

function balance(): void {
  const recipient = tag('Recipient')
  const target = tag('Target')
  const account = recipient != null ? recipient : target != null ? target : from()
  const amount = balanceOf(account)
  const facts = answer().tag('Balance', amount).tag('Ticker', kept('Ticker'))
  respond(facts.tag('Account', account), amount)
}

/** A page as a JSON object from account to balance; a Cursor tag names where the next page begins. */
function balances(): void {
  const cursor = tag('Cursor')
  const limit = pageLimit(PAGE_MAX)
  const accounts = keysAfter(BALANCE, cursor == null ? '' : cursor, limit)
  let json = '{'
  for (let i = 0; i < accounts.length; i++) {
    json += (i == 0 ? '"' : ',"') + accounts[i] + '":"' + balanceOf(accounts[i]) + '"'
  }
  const page = answer().tag('Ticker', kept('Ticker'))
  if (accounts.length == limit) page.tag('Cursor', accounts[limit - 1])
  respond(page, json + '}')
}

function totalSupply(): void {
  const supply = supplyOf()
  const facts = answer().tag('Action', 'Total-Supply').tag('Ticker', kept('Ticker'))
  respond(facts.tag('Total-Supply', supply), supply)
}

function transfer(): void {
  const recipient = recipientOf(required('Recipient'))
  const quantity = quantityOf()
  const sender = from()
  const before = balanceOf(sender)
  if (compare(before, quantity) < 0) {
    refuse('Transfer-Error', 'Insufficient Balance!')
    return
  }
  setBalance(sender, minus(before, quantity))
  const sum = plus(balanceOf(recipient), quantity)
  if (sum != null) setBalance(recipient, sum)
  else fail('the balances are more than the supply')
  if (tag('Cast') == null) notify(sender, recipient, quantity)
}

function notify(sender: string, recipient: string, quantity: string): void {
  const credit = to(recipient).tag('Action', 'Credit-Notice').tag('Sender', sender)
  credit.tag('Quantity', quantity)
  const debit = answer().tag('Action', 'Debit-Notice').tag('Recipient', recipient)
  debit.tag('Quantity', quantity)
  forward(credit)
  forward(debit)
  respond(debit, 'You transferred ' + quantity + ' to ' + recipient)
  credit.send('You received ' + quantity + ' from ' + sender)
}

/** Tags that begin with X- go along. */
function forward(outgoing: Outgoing): void {
  for (let at = firstTag(); at != 0; at = nextTag(at)) {
    const name = tagName(at)
    if (name.startsWith('X-') && name != 'X-Reference') outgoing.tag(name, tagValue(at))
  }
}

function mint(): void {
  const quantity = quantityOf()
  const named = tag('Recipient')
  const recipient = named == null ? from() : recipientOf(named)
  if (from() != getText(OWNER)) {
    refuse('Mint-Error', 'Only the owner can mint new ' + kept('Ticker') + ' tokens!')
    return
  }
  const supply = plus(supplyOf(), quantity)
  const sum = plus(balanceOf(recipient), quantity)
  if (supply == null || sum == null) {
    refuse('Mint-Error', 'The supply would pass 76 digits!')
    return
  }
  setText(SUPPLY, supply)
  setBalance(recipient, sum)
  const minted = answer().tag('Action', 'Mint-Response').tag('Quantity', quantity)
  respond(minted.tag('Recipient', recipient), 'Successfully minted ' + quantity)
}

/** The slot stands, but nothing changed, and the sender is told why. */
function refuse(action: string, error: string): void {
  respond(answer().tag('Action', action).tag('Message-Id', id()).tag('Error', error), error)
}

function recipientOf(text: string): string {
  if (!isAddress(text)) fail('Recipient must be an address')
  return text
}

function quantityOf(): string {
  const text = required('Quantity')
  const quantity = amountOf(text.startsWith('-') ? text.substring(1) : text)
  if (quantity == null) {
    fail('Quantity must be a whole number of up to 76 digits')
    return ''
  }
  if (quantity == '0' || text.startsWith('-')) fail('Quantity must be greater than 0')
  return quantity
}

function supplyOf(): string {
  const supply = getText(SUPPLY)
  return supply == null ? '0' : supply
}

function balanceOf(account: string): string {
  if (account.length > 128) return '0'
  const amount = getText(BALANCE + account)
  return amount == null ? '0' : amount
}

function setBalance(account: string, amount: string): void {
  if (amount == '0') remove(BALANCE + account)
  else setText(BALANCE + account, amount)
}
