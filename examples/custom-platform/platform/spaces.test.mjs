// What the platform promises to whoever connects to it.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startSpaces } from './spaces.mjs'

const token = 'between-us'

/** An installation, closed when the test ends, and a way to ask it. */
async function stage(context, options = {}) {
  const server = await startSpaces({ token, people: ['ada', 'bob'], ...options })
  context.after(() => server.close())
  return asker(`http://127.0.0.1:${server.address().port}`)
}

function asker(base) {
  return async (call, body, credential = token) => {
    const [method, path] = call.split(' ')
    const reply = await fetch(base + path, {
      method,
      headers: { Authorization: `Bearer ${credential}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await reply.text()
    return [reply.status, text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text]
  }
}

const space = { displayName: 'Photos', size: 'large', shelf: 'B2', owner: { tenant: 't1', workspace: 'shop' } }

test('a space is made once, changed, listed and removed', async (context) => {
  const ask = await stage(context)
  const [made, first] = await ask('PUT /api/spaces/shop.photos', space)
  assert.equal(made, 201)
  assert.match(first.signInUrl, /\/spaces\/shop\.photos$/)
  assert.deepEqual(await ask('PUT /api/spaces/shop.photos', space), [200, first])
  const [, changed] = await ask('PUT /api/spaces/shop.photos', { ...space, size: 'small' })
  assert.equal(changed.size, 'small')
  assert.deepEqual((await ask('GET /api/spaces'))[1], [changed])
  assert.deepEqual(await ask('GET /api/spaces/shop.photos'), [200, changed])
  assert.equal((await ask('DELETE /api/spaces/shop.photos'))[0], 204)
  assert.equal((await ask('DELETE /api/spaces/shop.photos'))[0], 404)
  assert.equal((await ask('GET /api/spaces/shop.photos'))[0], 404)
})

test('a space stays with its owner', async (context) => {
  const ask = await stage(context)
  await ask('PUT /api/spaces/shop.photos', space)
  const [status, body] = await ask('PUT /api/spaces/shop.photos', { ...space, owner: { tenant: 't2' } })
  assert.deepEqual([status, body.error], [409, 'taken'])
})

test('members are the whole list, of people and roles that exist', async (context) => {
  const ask = await stage(context)
  await ask('PUT /api/spaces/s', space)
  const members = [{ account: 'bob', roles: ['viewer'] }, { account: 'ada', roles: ['viewer', 'owner', 'owner'] }]
  const kept = [{ account: 'ada', roles: ['owner', 'viewer'] }, { account: 'bob', roles: ['viewer'] }]
  assert.deepEqual(await ask('PUT /api/spaces/s/members', members), [200, kept])
  await ask('PUT /api/spaces/s', space)
  assert.deepEqual(await ask('GET /api/spaces/s/members'), [200, kept])
  assert.match((await ask('GET /spaces/s?account=ada'))[1], /Welcome ada, owner and viewer/)
  assert.equal((await ask('GET /spaces/s?account=eve'))[0], 403)

  const [status, body] = await ask('PUT /api/spaces/s/members', [{ account: 'eve', roles: [] }])
  assert.deepEqual([status, body.accounts], [422, ['eve']])
  for (const wrong of [[{ account: 'ada', roles: ['king'] }], [members[0], members[0]], {}, [{ account: 'ada' }]]) {
    assert.equal((await ask('PUT /api/spaces/s/members', wrong))[0], 422)
  }
  assert.deepEqual(await ask('PUT /api/spaces/s/members', []), [200, []])
  assert.equal((await ask('GET /spaces/s?account=ada'))[0], 403)
  assert.equal((await ask('GET /spaces/none'))[0], 404)
})

test('people become known and are forgotten', async (context) => {
  const ask = await stage(context)
  await ask('PUT /api/people/eve')
  assert.deepEqual(await ask('GET /api/people?account=eve&account=nobody'), [200, ['eve']])
  await ask('PUT /api/spaces/s', space)
  await ask('PUT /api/spaces/s/members', [{ account: 'eve', roles: ['owner'] }])
  await ask('DELETE /api/people/eve')
  assert.deepEqual(await ask('GET /api/people'), [200, ['ada', 'bob']])
  assert.deepEqual(await ask('GET /api/spaces/s/members'), [200, []])
})

test('limits are the whole map, of keys that exist', async (context) => {
  const ask = await stage(context)
  await ask('PUT /api/spaces/s', space)
  assert.deepEqual(await ask('PUT /api/spaces/s/limits', { objects: 10, 'storage.gib': -1 }), [200, { objects: 10, 'storage.gib': -1 }])
  assert.deepEqual(await ask('PUT /api/spaces/s/limits', { objects: 0 }), [200, { objects: 0 }])
  for (const wrong of [{ cows: 1 }, { objects: 1.5 }, { objects: '1' }, { objects: -2 }, []]) {
    assert.equal((await ask('PUT /api/spaces/s/limits', wrong))[0], 422)
  }
  assert.deepEqual(await ask('GET /api/spaces/s/limits'), [200, { objects: 0 }])
})

test('what is malformed is refused', async (context) => {
  const ask = await stage(context)
  for (const [id, body] of [['s', { ...space, size: 'huge' }], ['s', {}], ['s', []], ['S', space], ['a..b', space], ['s', { ...space, owner: { tenant: 1 } }]]) {
    assert.equal((await ask(`PUT /api/spaces/${id}`, body))[0], 422)
  }
  assert.equal((await ask('PUT /api/spaces/s'))[0], 400)
  assert.equal((await ask('PATCH /api/spaces/s', space))[0], 404)
  assert.equal((await ask('GET /api/spaces/%'))[0], 400)
  assert.deepEqual((await ask('GET /api/spaces'))[1], [])
})

test('only its credential opens it, and that may be changed', async (context) => {
  const ask = await stage(context)
  assert.equal((await ask('GET /api/account'))[0], 200)
  assert.equal((await ask('GET /api/account', undefined, 'wrong'))[0], 401)
  await ask('PUT /admin/token', { token: 'another' })
  assert.equal((await ask('GET /api/account'))[0], 401)
  assert.equal((await ask('GET /api/account', undefined, 'another'))[0], 200)
  assert.throws(() => startSpaces({ token: '' }), /SPACES_TOKEN/)
})

test('it breaks on request, and says what it was asked', async (context) => {
  const ask = await stage(context)
  await ask('PUT /admin/faults', { failNext: 2, status: 503, only: 'PUT /api/spaces' })
  assert.equal((await ask('GET /api/account'))[0], 200)
  assert.equal((await ask('PUT /api/spaces/s', space))[0], 503)
  assert.equal((await ask('PUT /api/spaces/s', space))[0], 503)
  assert.equal((await ask('PUT /api/spaces/s', space))[0], 201)
  const [, asked] = await ask('GET /admin/requests')
  assert.deepEqual(asked.map(({ method, path, status }) => `${method} ${path} ${status}`), [
    'GET /api/account 200', 'PUT /api/spaces/s 503', 'PUT /api/spaces/s 503', 'PUT /api/spaces/s 201',
  ])
  await ask('PUT /admin/faults', { rejectCredential: true })
  assert.equal((await ask('GET /api/account'))[0], 401)
  await ask('PUT /admin/faults', { slowMs: 50 })
  const before = Date.now()
  await ask('GET /api/account')
  assert.ok(Date.now() - before >= 45)
  await ask('DELETE /admin/faults')
  await ask('DELETE /admin/requests')
  assert.deepEqual((await ask('GET /admin/requests'))[1], [])
})

test('as a program it says one line, and finds its spaces again', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'stoa-spaces-'))
  context.after(() => rm(folder, { recursive: true }))
  const program = join(dirname(fileURLToPath(import.meta.url)), 'spaces.mjs')
  const start = async () => {
    const options = ['--port', '0', '--name', 'North', '--people', 'ada', '--state', join(folder, 'state.json')]
    const child = spawn(process.execPath, [program, ...options], { env: { ...process.env, SPACES_TOKEN: token } })
    context.after(() => child.kill())
    const [line] = await once(child.stdout, 'data')
    return [child, asker(/^North is ready at (http:\S+)\n$/.exec(line.toString())[1])]
  }
  const [first, ask] = await start()
  await ask('PUT /api/spaces/s', space)
  await ask('PUT /api/spaces/s/members', [{ account: 'ada', roles: ['owner'] }])
  first.kill()
  await once(first, 'exit')
  const [, again] = await start()
  assert.deepEqual((await again('GET /api/spaces/s/members'))[1], [{ account: 'ada', roles: ['owner'] }])
})
