// The DNS resolvers that this machine is configured with (resolv.conf and its like), as node:dns reads them.

import { Resolver } from 'node:dns'
import { Failure } from '../../base/failure.ts'
import { parseEndpoint } from '../endpoint.ts'
import type { Endpoint } from '../runtime.ts'

const dnsPort = 53

/**
 * The system's recursive resolvers as they are configured now, in its order; `read` is where they come from.
 * @throws Failure resolver-missing when there is none
 */
export function systemResolvers(
  read: () => readonly string[] = () => new Resolver().getServers(),
): readonly Endpoint[] {
  const servers = read()
  if (servers.length === 0)
    throw new Failure('resolver-missing', { why: 'the system is configured with none' })
  return servers.map((server) => parseEndpoint(server, dnsPort))
}
