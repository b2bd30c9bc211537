// The Network seam on Node's sockets.

import type { Network } from '../runtime.ts'
import { connect } from './connection.ts'
import { httpsPool } from './https-pool.ts'
import { serveHttps } from './https-server.ts'
import { openUdp } from './udp.ts'

/** Sockets of this machine. */
export const nodeNetwork: Network = { udp: openUdp, connect, httpsPool, serveHttps }
