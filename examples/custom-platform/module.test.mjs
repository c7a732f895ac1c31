// The connector module with real OpenTofu against the platform, and a Stoa that knows one tenant. OpenTofu is the
// program that STOA_TOFU names, else `tofu`.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startSpaces } from './platform/spaces.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const token = 'between-platform-and-connector'
const apiToken = 'between-stoa-and-run'
const address = (server) => `http://127.0.0.1:${server.address().port}`

/** A Stoa that answers with the quotas of any tenant. */
async function startStoa(quotas) {
  const server = createServer((request, response) => {
    const isRight = request.headers.authorization === `Bearer ${apiToken}` &&
      request.headers.accept === 'application/vnd.meshcloud.api.meshtenant.v4.hal+json' &&
      request.url.startsWith('/api/meshobjects/meshtenants/')
    response.writeHead(isRight ? 200 : 403, { 'Content-Type': 'application/json' })
    const applied = Object.fromEntries(Object.entries(quotas).map(([key, value]) => [key, { value }]))
    response.end(JSON.stringify(isRight ? { status: { appliedQuotas: applied } } : { message: 'not yours' }))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

function person(username, roles, more = {}) {
  return { meshIdentifier: `id-${username}`, username, firstName: null, lastName: null, email: null, euid: null, roles, ...more }
}

/** A platform, a Stoa and a folder with the module, all gone when the test ends. */
async function stage(context) {
  const quotas = { objects: 100, 'storage.gib': 5 }
  const spaces = await startSpaces({ token, people: ['ada', 'bob', 'cleo@example.org'] })
  const stoa = await startStoa(quotas)
  const folder = await mkdtemp(join(tmpdir(), 'stoa-connector-'))
  context.after(async () => {
    spaces.close()
    stoa.close()
    await rm(folder, { recursive: true })
  })
  await cp(join(here, 'module'), folder, { recursive: true })

  const ask = async (call, body) => {
    const [method, path] = call.split(' ')
    const reply = await fetch(address(spaces) + path, {
      method,
      headers: { Authorization: `Bearer ${token}` },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    return { status: reply.status, body: await reply.json().catch(() => null) }
  }

  const variables = {
    role_map: { admin: ['owner'], user: ['editor'], reader: ['viewer'] },
    workspace: 'shop',
    project: 'photos',
    platform: 'spaces-north.dc',
    tenant_uuid: 't1',
    people: [],
  }
  const environment = { SPACES_URL: address(spaces), SPACES_TOKEN: token, MESHSTACK_ENDPOINT: address(stoa), MESHSTACK_API_TOKEN: apiToken }
  const run = async (program, given, change) => {
    const { TF_CLI_CONFIG_FILE: _, ...inherited } = process.env
    const values = Object.entries({ ...variables, ...change.variables })
      .map(([name, value]) => [`TF_VAR_${name}`, typeof value === 'string' ? value : JSON.stringify(value)])
    const env = { ...inherited, ...environment, ...change.environment, ...Object.fromEntries(values) }
    return promisify(execFile)(program, given, { cwd: folder, env })
  }
  const tofu = async (command, change = {}) => {
    const options = ['-no-color', '-input=false', ...(['apply', 'destroy'].includes(command) ? ['-auto-approve'] : [])]
    return (await run(process.env.STOA_TOFU ?? 'tofu', [command, ...options], change)).stdout
  }
  const outputs = async () => {
    const { stdout } = await run(process.env.STOA_TOFU ?? 'tofu', ['output', '-json'], {})
    return Object.fromEntries(Object.entries(JSON.parse(stdout)).map(([name, { value }]) => [name, value]))
  }
  const writes = async () => (await ask('GET /admin/requests')).body.filter(({ method }) => method !== 'GET')
    .map(({ method, path, status }) => `${method} ${path} ${status}`)
  const check = (change = {}) => run(join(folder, 'scripts/spaces.sh'), ['check'], change)
  await tofu('init')
  return { ask, tofu, outputs, writes, check, quotas, folder }
}

const members = async (ask) => (await ask('GET /api/spaces/shop.photos/members')).body
// OpenTofu breaks long lines.
const refused = (pattern) => (error) => pattern.test(error.stderr.replace(/\s+/g, ' ')) || assert.fail(error.stderr)

test('a tenant gets its space, its people, its limits, and nothing stays behind', async (context) => {
  const { ask, tofu, outputs, writes, quotas, folder } = await stage(context)
  const people = [
    person('ada', ['admin', 'reader'], { firstName: 'Ada' }),
    person('cleo', ['user'], { euid: 'cleo@example.org' }),
    person('eve', ['user']),
    person('bob', ['auditor']),
  ]
  const said = await tofu('apply', { variables: { people } })
  assert.match(said, /eve has no account on the platform yet/)
  assert.match(said, /bob has roles that give no access here: auditor/)

  const { body: space } = await ask('GET /api/spaces/shop.photos')
  assert.deepEqual(space.owner, { tenant: 't1', workspace: 'shop', project: 'photos', platform: 'spaces-north.dc' })
  assert.deepEqual(space.members, [{ account: 'ada', roles: ['owner', 'viewer'] }, { account: 'cleo@example.org', roles: ['editor'] }])
  assert.deepEqual(space.limits, { objects: 100, 'storage.gib': 5 })

  const { summary, ...others } = await outputs()
  assert.deepEqual(others, {
    platform_tenant_id: 'shop.photos',
    sign_in_url: space.signInUrl,
    resource_url: space.url,
    members: space.members,
    limits: space.limits,
  })
  for (const told of [/## Space `shop.photos`/, /\| ada \| owner, viewer \|/, /`eve` has no account/, /`bob` has roles/, /limit `objects`: 100/]) {
    assert.match(summary, told)
  }
  assert.equal((await fetch(`${others.sign_in_url}?account=ada`)).status, 200)

  // The same again writes nothing.
  const before = await writes()
  await tofu('apply', { variables: { people } })
  assert.deepEqual(await writes(), before)

  // A person comes, one changes, one goes; the size changes, a quota changes, another is no more.
  await ask('PUT /api/people/eve')
  quotas.objects = 250
  delete quotas['storage.gib']
  const changed = [person('ada', ['reader']), person('eve', ['user'])]
  await tofu('apply', { variables: { people: changed, size: 'large' } })
  const { body: after } = await ask('GET /api/spaces/shop.photos')
  assert.deepEqual(after.members, [{ account: 'ada', roles: ['viewer'] }, { account: 'eve', roles: ['editor'] }])
  assert.deepEqual([after.limits, after.size], [{ objects: 250 }, 'large'])

  // What somebody did on the platform by hand is put right.
  await ask('PUT /api/spaces/shop.photos/members', [{ account: 'bob', roles: ['owner'] }])
  await ask('PUT /api/spaces/shop.photos/limits', { objects: 9 })
  await tofu('apply', { variables: { people: changed, size: 'large' } })
  assert.deepEqual((await ask('GET /api/spaces/shop.photos')).body, after)
  assert.deepEqual((await outputs()).members, after.members)

  // A tenant that is marked for deletion has no people any more.
  await tofu('apply', { variables: { people: [], size: 'large' } })
  assert.deepEqual(await members(ask), [])

  assert.match(await tofu('destroy'), /The space shop\.photos is gone/)
  assert.equal((await ask('GET /api/spaces/shop.photos')).status, 404)
  assert.deepEqual(JSON.parse(await readFile(join(folder, 'terraform.tfstate'), 'utf8')).resources, [])
  for (const file of await readdir(folder)) {
    const text = await readFile(join(folder, file), 'utf8').catch(() => '')
    assert.ok(!text.includes(token) && !text.includes(apiToken), `${file} holds a token`)
  }
})

test('a tenant that moves keeps its space', async (context) => {
  const { ask, tofu, outputs } = await stage(context)
  await tofu('apply')
  await tofu('apply', { variables: { workspace: 'press', project: 'archive' } })
  assert.equal((await outputs()).platform_tenant_id, 'shop.photos')
  const { body } = await ask('GET /api/spaces')
  assert.deepEqual(body.map(({ id, displayName }) => [id, displayName]), [['shop.photos', 'press archive']])
})

test('a space that somebody removed is made again, and one that is gone is no obstacle to deletion', async (context) => {
  const { ask, tofu } = await stage(context)
  await tofu('apply')
  await ask('DELETE /api/spaces/shop.photos')
  await tofu('apply')
  assert.equal((await ask('GET /api/spaces/shop.photos')).status, 200)
  await ask('DELETE /api/spaces/shop.photos')
  assert.match(await tofu('destroy'), /There is no space shop\.photos to remove/)
})

test('the space of somebody else is neither taken nor removed', async (context) => {
  const { ask, tofu } = await stage(context)
  await ask('PUT /api/spaces/shop.photos', { displayName: 'Theirs', owner: { tenant: 'other' } })
  await assert.rejects(tofu('apply'), refused(/already a space shop\.photos on the platform, and it belongs to somebody else/))
  assert.match(await tofu('destroy'), /belongs to somebody else and stays/)
  assert.equal((await ask('GET /api/spaces/shop.photos')).body.displayName, 'Theirs')
})

test('passing trouble is waited out', async (context) => {
  const { ask, tofu } = await stage(context)
  await ask('PUT /admin/faults', { failNext: 2, status: 503, only: 'PUT /api/spaces' })
  await tofu('apply')
  assert.equal((await ask('GET /api/spaces/shop.photos')).status, 200)
})

test('a broken credential is told in words, and forgotten once it is repaired', async (context) => {
  const { ask, tofu, check } = await stage(context)
  assert.match((await check()).stdout, /takes our credential/)
  await tofu('apply', { variables: { people: [person('ada', ['admin'])] } })

  await ask('PUT /admin/faults', { rejectCredential: true })
  const words = /does not accept the credential of this connector \(The credential is not valid\); the platform team has to renew SPACES_TOKEN/
  await assert.rejects(check(), refused(words))
  await assert.rejects(tofu('apply'), refused(words))
  await assert.rejects(tofu('destroy'), refused(words))

  await ask('DELETE /admin/faults')
  await tofu('apply', { variables: { people: [person('bob', ['user'])] } })
  assert.deepEqual(await members(ask), [{ account: 'bob', roles: ['editor'] }])
  await tofu('destroy')
  assert.deepEqual((await ask('GET /api/spaces')).body, [])
})

test('what was half made is removed all the same', async (context) => {
  const { ask, tofu } = await stage(context)
  await ask('PUT /admin/faults', { failNext: 100, status: 422, only: 'PUT /api/spaces/shop.photos/limits' })
  await assert.rejects(tofu('apply'), refused(/Spaces refused PUT \/spaces\/shop\.photos\/limits with status 422/))
  assert.equal((await ask('GET /api/spaces/shop.photos')).status, 200)
  await tofu('destroy')
  assert.deepEqual((await ask('GET /api/spaces')).body, [])
})

test('a platform that is not there, and quotas that cannot be read, are told in words', async (context) => {
  const { ask, tofu, check } = await stage(context)
  await assert.rejects(check({ environment: { SPACES_URL: 'http://127.0.0.1:9' } }), refused(/Spaces does not answer at http:\/\/127\.0\.0\.1:9/))
  await assert.rejects(tofu('apply', { environment: { MESHSTACK_API_TOKEN: 'old' } }), refused(/quotas of the tenant cannot be read, status 403: not yours/))
  // Without permissions there is no token: limits are left alone.
  await ask('PUT /api/spaces/shop.photos/limits', { objects: 7 })
  assert.match(await tofu('apply', { environment: { MESHSTACK_API_TOKEN: '' } }), /limits stay as they are/)
  assert.deepEqual((await ask('GET /api/spaces/shop.photos/limits')).body, { objects: 7 })
})

test('a dry run asks the platform nothing', async (context) => {
  const { ask, tofu } = await stage(context)
  await tofu('plan')
  assert.deepEqual((await ask('GET /admin/requests')).body, [])
})
