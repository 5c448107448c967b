import { expect, it } from 'vitest'
import { Course, type CourseParts } from '../../compute-unit/hosts/course.ts'
import { type KnownFrame, KnownFrames } from '../../compute-unit/following/known-frames.ts'
import { asProcessId, encodeFrame, type ProcessDescription } from '../../protocol/index.ts'
import { fakeId } from '../fakes/guest-context.ts'

const frame = (index: number): KnownFrame => ({ index, bytes: encodeFrame(index, []), verdicts: [] })

it('a frame that stands where another was on its way tells that nothing may be evaluated behind that', () => {
  const frames = new KnownFrames()
  const [lost, other, behind] = [frame(0), frame(0), frame(1)]
  expect(frames.expect(lost)).toBe(true)
  expect(frames.accept(other)).toBe(true)
  expect(frames.get(0)).toBe(other)
  expect(frames.accept(other)).toBe(false)
  expect(frames.expect(behind)).toBe(true)
  expect(frames.accept({ ...behind })).toBe(false)
})

it('a course that was ended asks for nothing more, though something was being looked up', async () => {
  const looked = Promise.withResolvers<KnownFrame>()
  const asked: KnownFrame[] = []
  const course = new Course(0, {
    process: { id: asProcessId(fakeId(1)) } as ProcessDescription,
    frames: new KnownFrames(),
    seat: { ask: async () => ({ kind: 'closed' }) } as unknown as CourseParts['seat'],
    log: {} as CourseParts['log'],
    impatient: false,
    trusted: true,
    end: () => 1,
    mayAsk: () => true,
    stored: () => looked.promise,
    verdicts: async () => [],
    asked: one => void asked.push(one),
    early: () => undefined,
  })
  const oldest = course.oldest()
  course.end()
  looked.resolve(frame(0))
  expect(await oldest).toBeUndefined()
  expect(asked).toEqual([])
})
