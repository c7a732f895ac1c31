// The pipeline against the platform and a Stoa that takes notes and knows the quotas of one tenant.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { startSpaces } from '../platform/spaces.mjs'
import { grants, startPipeline } from './pipeline.mjs'

const secret = 'between-stoa-and-pipeline'
const token = 'between-platform-and-pipeline'
const address = (server) => `http://127.0.0.1:${server.address().port}`

/** A Stoa that notes every report and answers with quotas. */
async function startStoa(quotas) {
  const reports = []
  const server = createServer(async (request, response) => {
    response.setHeader('Content-Type', 'application/json')
    if (request.method === 'GET') {
      const isRight = request.headers.authorization === 'Bearer api-token'
      const applied = Object.fromEntries(Object.entries(quotas).map(([key, value]) => [key, { value }]))
      return response.writeHead(isRight ? 200 : 403).end(JSON.stringify({ status: { appliedQuotas: applied } }))
    }
    let text = ''
    for await (const part of request) text += part
    reports.push(JSON.parse(text))
    return response.end('{"runAborted":false}')
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, reports }
}

/** A platform, a Stoa and a pipeline between them, all closed when the test ends. */
async function stage(context) {
  const quotas = { objects: 100 }
  const spaces = await startSpaces({ token, people: ['ada', 'bob'] })
  const { server: stoa, reports } = await startStoa(quotas)
  const pipeline = await startPipeline({ secret, spacesUrl: address(spaces), spacesToken: token })
  context.after(() => [spaces, stoa, pipeline].forEach((server) => server.close()))

  let number = 0
  /** Calls the webhook and gives the reports of that run. */
  const run = async (behavior, change = {}) => {
    number += 1
    reports.length = 0
    const body = {
      behavior,
      inputs: {
        workspace: 'shop', project: 'photos', platform: 'spaces-north.dc', tenant_uuid: 't1', size: 'small', shelf: 'any',
        role_map: '{"admin": ["owner"], "reader": ["viewer"]}', people: '[]', ...change,
      },
      run: { uuid: `r${number}`, registerSource: `${address(stoa)}/source`, updateSource: `${address(stoa)}/source/{sourceId}`, token: 'run-token' },
    }
    const headers = { 'X-Webhook-Secret': secret, 'X-Meshstack-Endpoint': address(stoa), 'X-Meshstack-Api-Token': 'api-token' }
    const reply = await fetch(`${address(pipeline)}/webhook`, { method: 'POST', headers, body: JSON.stringify(body) })
    assert.equal(reply.status, 202)
    for (const end = Date.now() + 10_000; ; await new Promise((resolve) => setTimeout(resolve, 5))) {
      assert.ok(Date.now() < end, 'waited ten seconds')
      if (reports.some(({ status }) => ['SUCCEEDED', 'FAILED'].includes(status))) return reports
    }
  }
  const ask = async (call, body) => {
    const [method, path] = call.split(' ')
    const reply = await fetch(address(spaces) + path, { method, headers: { Authorization: `Bearer ${token}` }, ...(body ? { body: JSON.stringify(body) } : {}) })
    return { status: reply.status, body: await reply.json().catch(() => null) }
  }
  return { run, ask, quotas, pipeline }
}

const person = (username, roles, euid = null) => ({ meshIdentifier: username, username, euid, roles })
const outputs = (reports) => Object.assign({}, ...reports.flatMap(({ steps }) => steps ?? []).map((step) => step.outputs ?? {}))
const failed = (reports) => reports.flatMap(({ steps }) => steps ?? []).find(({ status }) => status === 'FAILED')

test('roles are mapped, several at once, and what is not mapped gives nothing', () => {
  const map = { admin: ['owner'], user: ['editor', 'viewer'], reader: ['viewer'] }
  const people = [person('bob', ['user', 'reader']), person('ada', ['admin', 'auditor'], 'ada@x'), person('eve', ['auditor'])]
  assert.deepEqual(grants(people, map), {
    members: [{ account: 'ada@x', roles: ['owner'] }, { account: 'bob', roles: ['editor', 'viewer'] }],
    unmapped: ['ada@x (auditor)', 'eve (auditor)'],
  })
})

test('a tenant gets its space, people and limits, and nothing stays behind', async (context) => {
  const { run, ask, quotas } = await stage(context)
  const people = JSON.stringify([person('ada', ['admin']), person('eve', ['reader']), person('bob', ['auditor'])])
  const reports = await run('APPLY', { people })
  assert.deepEqual(reports[0].steps.map(({ id }) => id), ['space', 'members', 'limits'])
  assert.equal(reports.at(-1).status, 'SUCCEEDED')
  const { body: space } = await ask('GET /api/spaces/shop.photos')
  assert.deepEqual(space.members, [{ account: 'ada', roles: ['owner'] }])
  assert.deepEqual(space.limits, { objects: 100 })
  const told = outputs(reports)
  assert.equal(told.platform_tenant_id.value, 'shop.photos')
  assert.equal(told.sign_in_url.value, space.signInUrl)
  assert.deepEqual(JSON.parse(told.members.value), space.members)
  assert.match(told.summary.value, /not known to the platform yet: eve[^]*bob \(auditor\)/)

  await ask('DELETE /admin/requests')
  assert.equal((await run('APPLY', { people })).at(-1).status, 'SUCCEEDED')
  assert.deepEqual((await ask('GET /admin/requests')).body.filter(({ method }) => method !== 'GET'), [])

  quotas.objects = 7
  await run('APPLY', { people: '[]', workspace: 'press' })
  const { body: after } = await ask('GET /api/spaces/shop.photos')
  assert.deepEqual([after.displayName, after.members, after.limits], ['press photos', [], { objects: 7 }])
  await run('DESTROY', { workspace: 'press' })
  assert.deepEqual((await ask('GET /api/spaces')).body, [])
  assert.equal((await run('DESTROY')).at(-1).status, 'SUCCEEDED')
})

test('a broken credential fails the run in words, and the next run recovers', async (context) => {
  const { run, ask } = await stage(context)
  await ask('PUT /admin/faults', { rejectCredential: true })
  const reports = await run('APPLY')
  assert.match(failed(reports).userMessage, /does not accept the pipeline's credential \(The credential is not valid\)/)
  assert.equal(reports.at(-1).status, 'FAILED')
  await ask('DELETE /admin/faults')
  await ask('PUT /admin/faults', { failNext: 2, status: 503 })
  assert.equal((await run('APPLY')).at(-1).status, 'SUCCEEDED')
})

test('the space of somebody else is neither taken nor removed', async (context) => {
  const { run, ask } = await stage(context)
  await ask('PUT /api/spaces/shop.photos', { displayName: 'Theirs', owner: { tenant: 'other' } })
  assert.match(failed(await run('APPLY')).userMessage, /belongs to somebody else/)
  assert.equal((await run('DESTROY')).at(-1).status, 'SUCCEEDED')
  assert.equal((await ask('GET /api/spaces/shop.photos')).body.displayName, 'Theirs')
})

test('a wrong call is refused', async (context) => {
  const { pipeline } = await stage(context)
  const post = async (body, headers) => (await fetch(`${address(pipeline)}/webhook`, { method: 'POST', headers, body: JSON.stringify(body) })).status
  assert.equal(await post({}, {}), 401)
  for (const body of [{}, { behavior: 'toString', run: { uuid: 'r' }, inputs: { tenant_uuid: 't' } }, { behavior: 'APPLY' }]) {
    assert.equal(await post(body, { 'X-Webhook-Secret': secret }), 400)
  }
})
