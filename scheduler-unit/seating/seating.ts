import { Failure, type ScheduleRequest } from '../../protocol/index.ts'
import type { Holds } from '../holds.ts'
import { failedSeat, type Seat } from '../lanes/outcome.ts'
import { Gathering } from './gathering.ts'
import { seatAssigned } from './seat-assigned.ts'
import { seatIngress, seatIngressNow } from './seat-ingress.ts'
import { seatItem, seatItemNow } from './seat-item.ts'
import { notDurable, seatPush, seatPushNow } from './seat-push.ts'
import type { SeatingParts } from './seating-parts.ts'

/** Where a message goes whose process this node schedules together with others. */
export interface SharedCourse {
  route(request: ScheduleRequest): Seat['answer']
}

export interface RoutingParts extends SeatingParts {
  readonly holds: Holds
  /** Nothing, if this node schedules the process alone. */
  courseOf(request: ScheduleRequest): Promise<SharedCourse | undefined>
}

/** Requests checked before others get a turn: signatures take most of the time. */
const SLICE = 32

/** Finds each message its seat in the feed of its process. */
export class Seating {
  readonly #parts: RoutingParts

  constructor(parts: RoutingParts) {
    this.#parts = parts
  }

  async seatAll(requests: readonly ScheduleRequest[]): Promise<readonly Seat[]> {
    const { clock } = this.#parts
    const seats: Seat[] = []
    using gathering = new Gathering(requests.length > SLICE)
    for (const request of requests) {
      if (seats.length > 0 && seats.length % SLICE === 0) {
        gathering.pause(clock.now())
        await clock.sleep(0)
      }
      const seated = this.#seatNow(request, gathering)
      if (seated === undefined) gathering.commit()
      // Awaiting the seat, not the answer, keeps the order of requests and lets them share frames.
      seats.push(seated ?? (await this.#seat(request).catch(failedSeat)))
    }
    return seats
  }

  /** Seats a message here, though others have a part in its process. */
  seatHere(request: ScheduleRequest): Promise<Seat> {
    return this.#seatHere(request).catch(failedSeat)
  }

  async #seat(request: ScheduleRequest): Promise<Seat> {
    this.#parts.holds.expectFree(request.process)
    const course = await this.#parts.courseOf(request)
    if (course !== undefined && request.after !== undefined) throw notDurable(request.process)
    return course === undefined ? this.#seatHere(request) : { answer: course.route(request) }
  }

  async #seatHere(request: ScheduleRequest): Promise<Seat> {
    const { process, envelope } = request
    switch (envelope.kind) {
      case 'item':
        return seatItem(this.#parts, request, envelope)
      case 'push':
        return seatPush(this.#parts, process, envelope, request.after)
      case 'assign':
        return seatAssigned(this.#parts, process, envelope)
      case 'ingress':
        return seatIngress(this.#parts, process, envelope, request.request)
      case 'tick':
      case 'reject':
        throw new Failure('wrong-type', { kind: envelope.kind }, { note: 'only the scheduler makes these' })
    }
  }

  /** The same without a wait, for most requests: nothing, if something has to be looked up. */
  #seatNow({ process, envelope, id, request, after }: ScheduleRequest, gathering: Gathering): Seat | undefined {
    const { holds, lanes } = this.#parts
    if (holds.has(process)) return undefined
    const lane = lanes.atHand(process)
    if (lane === undefined || lane.nextSlot === 0 || lane.isShared) return undefined
    try {
      switch (envelope.kind) {
        case 'item':
          return seatItemNow(this.#parts, lane, envelope, id, gathering)
        case 'push':
          return seatPushNow(this.#parts, lane, envelope, after)
        case 'ingress':
          return seatIngressNow(this.#parts, lane, envelope, request)
        default:
          return undefined
      }
    } catch (error) {
      return failedSeat(error)
    }
  }
}
