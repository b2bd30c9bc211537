// Opens the store that an operator names, and sees that it is the memory of this mirror and of no other.

import { z } from 'zod'
import { Failure } from '../base/failure.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { createMemoryStore } from './memory/backend.ts'
import { shelfOf } from './shelves.ts'
import { openSqliteStore } from './sqlite/backend.ts'
import { put, type MirrorStore } from './store.ts'

const owners = shelfOf('settings', z.string().length(43))
const ownerKey = 'owner'

/**
 * The store at `url`, `sqlite:PATH` or `memory:`, of the mirror `owner`.
 * @throws Failure store-malformed, store-foreign, and those of `openSqliteStore`
 */
export async function openStore(
  needs: Pick<Runtime, 'clock' | 'log' | 'databases'>,
  { url, owner }: { readonly url: string; readonly owner: string },
): Promise<MirrorStore> {
  if (url === 'memory:') return createMemoryStore(needs)
  const path = /^sqlite:(.+)$/s.exec(url)?.[1]
  if (path === undefined)
    throw new Failure('store-malformed', { url, why: 'it is neither sqlite:PATH nor memory:' })
  const store = openSqliteStore(needs, path)
  try {
    const known = await store.get(owners, ownerKey)
    // Two mirrors on one log would each tell the world the other's history.
    if (known !== null && known !== owner)
      throw new Failure('store-foreign', { path, owner: known, self: owner })
    if (known === null) await store.commit([put(owners, { key: ownerKey, value: owner })])
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}
