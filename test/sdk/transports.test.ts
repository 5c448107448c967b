import { FakeUnits } from '../fakes/fake-units.ts'
import { fakeOperations, openFakeGateway } from '../fakes/fake-gateway.ts'
import { clientConformance } from '../conformance/client.ts'
import { httpTransport, inProcessTransport } from '../../sdk/index.ts'

clientConformance('HTTP', async () => {
  const { gateway, units } = await openFakeGateway()
  return {
    transport: httpTransport({ url: gateway.url }),
    units,
    close: () => gateway[Symbol.asyncDispose](),
  }
})

clientConformance('a call in the same program', async () => {
  const units = new FakeUnits()
  return {
    transport: inProcessTransport(fakeOperations(units)),
    units,
    close: async () => undefined,
  }
})
