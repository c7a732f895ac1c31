// The order in which the organization is made.

import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { Client } from './client.mjs'
import * as manifests from './manifests.mjs'
import * as orders from './orders.mjs'
import * as people from './people.mjs'

const run = promisify(execFile)

/** Makes the organization in the server that `key` belongs to; `say` is told what happens. */
export async function seed({ key, folder, spaces, stoa }, say = () => {}) {
  const began = Date.now()
  const admin = await Client.fromFile(key)
  mkdirSync(join(folder, 'seed-storage'), { recursive: true })
  const target = manifests.write(folder, {
    REPOSITORY: manifests.repository(resolve(folder)),
    STORAGE: resolve(folder, 'seed-storage'),
    SPACES: spaces,
    ADMIN: (await (await fetch(`${admin.url}/mesh/info`)).json()).adminWorkspaceIdentifier,
  })
  process.env.SEED_ACCESS_KEY ??= 'kept-in-no-log'
  process.env.SEED_GITHUB_KEY ??= 'not-a-key'
  process.env.SEED_PASSWORD ??= 'correct horse battery'
  const wanted = JSON.parse(readFileSync(join(manifests.organization, 'orders.json'), 'utf8'))
  const as = (file, ...words) => command(stoa, file, words)

  say('Workspaces, people, projects')
  await as(key, 'apply', '-f', join(target, 'first'))
  say('Platforms, definitions, landing zones')
  await as(key, 'apply', '-f', join(target, 'offer'))
  await publish(admin, (...words) => as(key, 'platform', ...words))
  await awaitingApproval(admin, stoa, target)
  say('Tenants, building blocks, accounts')
  const orderers = Object.values(wanted.orderedBy)
  await people.accounts(admin, orderers)
  const accounts = people.accounts(admin, wanted.accounts.filter((username) => !orderers.includes(username)))
  accounts.catch(() => {})
  const leaving = await orders.tenants(admin, wanted.tenants)
  const fresh = await orders.blocks(admin, wanted, (workspace) => people.acting(admin.url, wanted.orderedBy[workspace], workspace))
  await leave(admin, leaving)
  await communicate(admin, wanted.communications)
  await accounts
  say(`${fresh} blocks ordered; done in ${((Date.now() - began) / 1000).toFixed(1)} s`)
}

/** The command line with a key, and nothing of somebody's own settings. */
async function command(stoa, file, words) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STOA_')))
  try {
    return (await run(stoa, words, { env: { ...env, STOA_KEY_FILE: file, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' } })).stdout
  } catch (error) {
    throw new Error(`stoa ${words.join(' ')}: ${error.stderr || error.message}`)
  }
}

/** Every platform that is its owner's alone so far becomes everybody's. */
async function publish(admin, platform) {
  for (const { metadata, spec } of await admin.list('meshplatforms')) {
    if (spec.availability.publicationState !== 'UNPUBLISHED') continue
    const name = `${metadata.name}.${spec.locationRef.name}`
    await platform('publish', name, '--message', 'Tried in our own workspace')
    await platform('review', name, 'approve', '--comment', 'Welcome')
  }
}

/** A caller with a key of a workspace of its own, for what an administrator would be let through with. */
async function caller(admin, workspace, displayName, permissions) {
  const { status } = await admin.post('/api/meshobjects/meshapikeys', {
    kind: 'meshApiKey',
    metadata: { ownedByWorkspace: workspace },
    spec: { displayName, permissions },
  })
  return new Client({ url: admin.url, ...status })
}

/** A first release that an administrator has yet to look at, asked for by its owner. */
async function awaitingApproval(admin, stoa, target) {
  const there = await admin.list('meshbuildingblockdefinitions')
  if (there.some((definition) => definition.spec.displayName === 'Feature flags')) return
  const owner = await caller(admin, 'platform-team', 'Release of definitions', ['BUILDINGBLOCKDEFINITION_LIST', 'BUILDINGBLOCKDEFINITION_SAVE'])
  const file = join(target, 'owner.json')
  writeFileSync(file, JSON.stringify({ url: admin.url, ...owner.key }), { mode: 0o600 })
  await command(stoa, file, ['apply', '-f', join(target, 'waiting')])
}

/** Deletions that wait for the platform team, asked for by the team that has the tenant. */
async function leave(admin, leaving) {
  for (const { workspace, uuid } of leaving) {
    const team = await caller(admin, workspace, 'Clean-up', ['TENANT_LIST', 'TENANT_DELETE'])
    await orders.leave(team, uuid)
  }
}

/** Messages to workspaces, each sent once. */
async function communicate(admin, wanted) {
  const there = await admin.list('meshcommunicationdefinitions')
  for (const { to, ...communication } of wanted) {
    if (there.some((definition) => definition.spec.communication.title === communication.title)) continue
    const { metadata } = await admin.post('/api/meshobjects/meshcommunicationdefinitions', { spec: { communication } })
    for (const name of to) {
      await admin.post('/api/meshobjects/meshcommunications', {
        spec: { communicationDefinitionRef: { uuid: metadata.uuid }, targetMeshObjectRef: { kind: 'meshWorkspace', name } },
      })
    }
  }
}
