import { CanisterTrap } from '../canister-trap.ts'
import { REJECT_TEXT_MAX } from '../bounds.ts'
import type { Execution } from '../execution.ts'
import type { Host, SystemFunctions } from './host.ts'

const NO_BYTES = new Uint8Array(0)
/** A query may answer with more than an update: it stands in no result. */
const QUERY_REPLY_MAX_BYTES = 3 * 1024 * 1024

/** What a message brings, and how it is answered. */
export function messageCalls(host: Host): SystemFunctions {
  const copy = (to: number, source: Uint8Array, offset: number, length: number): undefined => {
    host.charge(length)
    host.heap.copyIn(to, source, offset, length)
  }
  const rejection = (): Uint8Array => host.execution.rejectText
  const info = () => host.execution.entry.callerInfo
  return {
    msg_arg_data_size: () => host.execution.entry.arg.length,
    msg_arg_data_copy: (to: number, at: number, length: number) => copy(to, host.execution.entry.arg, at, length),
    msg_caller_size: () => host.execution.entry.caller.length,
    msg_caller_copy: (to: number, at: number, length: number) => copy(to, host.execution.entry.caller, at, length),
    msg_caller_info_data_size: () => info()?.data.length ?? 0,
    msg_caller_info_data_copy: (to: number, at: number, length: number) =>
      copy(to, info()?.data ?? NO_BYTES, at, length),
    msg_caller_info_signer_size: () => info()?.signer.length ?? 0,
    msg_caller_info_signer_copy: (to: number, at: number, length: number) =>
      copy(to, info()?.signer ?? NO_BYTES, at, length),
    msg_reject_code: () => host.execution.entry.reject?.code ?? 0,
    msg_reject_msg_size: () => rejection().length,
    msg_reject_msg_copy: (to: number, at: number, length: number) => copy(to, rejection(), at, length),
    msg_deadline: () => host.execution.entry.deadlineNs ?? 0n,
    msg_reply_data_append: (from: number, length: number) => {
      const execution = answering(host.execution)
      const bytes = host.heap.read(from, length)
      host.charge(4 * length)
      execution.replyBytes += length
      if (execution.replyBytes > replyMax(execution)) {
        throw new CanisterTrap(
          `ic0.msg_reply_data_append: application payload size (${execution.replyBytes}) cannot be larger than ${replyMax(execution)}.`,
          'IC0504',
        )
      }
      if (length > 0) execution.reply.push(bytes.slice())
      return undefined
    },
    msg_reply: () => {
      const execution = answering(host.execution)
      execution.response = { reply: joined(execution.reply, execution.replyBytes) }
      return undefined
    },
    msg_reject: (from: number, length: number) => {
      const execution = answering(host.execution)
      host.charge(4 * length)
      execution.response = { message: host.heap.text(from, length).slice(0, REJECT_TEXT_MAX).toWellFormed() }
      return undefined
    },
    msg_method_name_size: () => host.execution.methodText.length,
    msg_method_name_copy: (to: number, at: number, length: number) => copy(to, host.execution.methodText, at, length),
    accept_message: () => {
      if (host.execution.accepted) throw new CanisterTrap('accept_message: the message was accepted already', 'IC0504')
      host.execution.accepted = true
      return undefined
    },
  }
}

function answering(execution: Execution): Execution {
  if (execution.entry.answers && execution.response === undefined) return execution
  throw new CanisterTrap('msg_reply: the call is already replied', 'IC0504')
}

const replyMax = ({ entry }: Execution): number => entry.replyMaxBytes ?? QUERY_REPLY_MAX_BYTES

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const [first] = parts
  if (parts.length === 1 && first !== undefined) return first
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
