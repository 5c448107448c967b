// The library for processes in AssemblyScript: read a message, keep cells, send, answer, fail.

import { Bytes } from './bytes'
import * as host from './host'
import { from, tag } from './message'

export * from './cells'
export * from './message'

const HEADER_BYTES: i32 = 20
const NO_ANCHOR: u32 = 0xffffffff

/** A message to somebody: name and tags first, then `send` with the data. */
export class Outgoing {
  private bytes: Bytes = new Bytes(512)
  private nameLength: i32
  private tags: i32 = 0

  constructor(to: string) {
    for (let i = 0; i < HEADER_BYTES; i += 4) this.bytes.uint32(0)
    this.nameLength = this.bytes.text(to)
  }

  tag(name: string, value: string): Outgoing {
    const at = this.bytes.length
    this.bytes.uint32(0)
    this.bytes.uint32(0)
    this.bytes.setUint32(at, this.bytes.text(name))
    this.bytes.setUint32(at + 4, this.bytes.text(value))
    this.tags++
    return this
  }

  send(data: string): void {
    const tagsLength = this.bytes.length - HEADER_BYTES - this.nameLength
    const dataLength = this.bytes.text(data)
    this.bytes.setUint32(0, this.nameLength)
    this.bytes.setUint32(4, this.tags)
    this.bytes.setUint32(8, tagsLength)
    this.bytes.setUint32(12, dataLength)
    this.bytes.setUint32(16, NO_ANCHOR)
    host.send(this.bytes.pointer, this.bytes.length)
  }
}

export function to(address: string): Outgoing {
  return new Outgoing(address)
}

/** A message back to the sender, which AO programs can match by the reference they gave. */
export function answer(): Outgoing {
  const outgoing = new Outgoing(from())
  const reference = tag('Reference')
  if (reference != null) outgoing.tag('X-Reference', reference)
  return outgoing
}

/** Sets the output of this run: what a client gets as the result. */
export function output(text: string): void {
  const bytes = new Bytes(3 * text.length + 1)
  bytes.text(text)
  host.reply(bytes.pointer, bytes.length)
}

/** Sends `outgoing` with `data`, which is the output of this run as well. */
export function respond(outgoing: Outgoing, data: string): void {
  outgoing.send(data)
  output(data)
}

/** Ends the run: nothing of it stands but the error. */
export function fail(text: string): void {
  const bytes = new Bytes(3 * text.length + 1)
  bytes.text(text)
  host.fail(bytes.pointer, bytes.length)
  unreachable()
}

/** The value of a tag, or the end of the run. */
export function required(name: string): string {
  const value = tag(name)
  if (value == null) {
    fail(name + ' is required!')
    return ''
  }
  return value
}

/** What the compiler calls for a failed assertion. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  fail(message == null ? 'aborted' : message)
}
