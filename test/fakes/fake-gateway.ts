import {
  createOperations,
  Gateway,
  type GatewayLogger,
  type GatewayParts,
  Metrics,
  type NodeAdmin,
} from '../../gateway/index.ts'
import type { Clock, Operations } from '../../protocol/index.ts'
import { FakeUnits } from './fake-units.ts'
import { realClock } from './real-clock.ts'

export const ADMIN_TOKEN = 'a-token-of-the-test'

/** What a gateway wrote down. */
export class RecordingLogger implements GatewayLogger {
  readonly lines: { level: string; text: string; facts: object }[] = []
  info(facts: object, text: string): void {
    this.lines.push({ level: 'info', text, facts })
  }
  warn(facts: object, text: string): void {
    this.lines.push({ level: 'warn', text, facts })
  }
  error(facts: object, text: string): void {
    this.lines.push({ level: 'error', text, facts })
  }
}

export class FakeAdmin implements NodeAdmin {
  shutdowns = 0
  async status(): Promise<Readonly<Record<string, number>>> {
    return { processes: 0 }
  }
  async checkpoint(): Promise<number> {
    return 3
  }
  backUps: string[] = []
  async backUp(folder: string): Promise<void> {
    this.backUps.push(folder)
  }
  shutdown(): void {
    this.shutdowns += 1
  }
}

/** The operations of `units`, without HTTP. */
export function fakeOperations(
  units: FakeUnits,
  admin: NodeAdmin = new FakeAdmin(),
  clock: Clock = realClock,
): Operations {
  const { messenger, computer, log, key } = units
  const nodeInfo = () => ({
    key,
    version: '0.0.0-test',
    units: ['messenger', 'scheduler', 'compute'],
    formats: ['actor'],
    startedMs: 0,
  })
  return createOperations({
    messenger,
    scheduler: { key },
    computer,
    log,
    clock,
    nodeInfo,
    admin,
  })
}

/** A gateway on a free port over fake units. */
export async function openFakeGateway(overrides: Partial<GatewayParts> = {}): Promise<{
  readonly gateway: Gateway
  readonly units: FakeUnits
  readonly admin: FakeAdmin
  readonly logger: RecordingLogger
  readonly metrics: Metrics
}> {
  const [units, admin, logger, metrics] = [new FakeUnits(), new FakeAdmin(), new RecordingLogger(), new Metrics()]
  const operations = fakeOperations(units, admin)
  const gateway = await Gateway.open({
    port: 0,
    adminToken: ADMIN_TOKEN,
    operations,
    clock: realClock,
    logger,
    metrics,
    version: '0.0.0-test',
    ...overrides,
  })
  return { gateway, units, admin, logger, metrics }
}
