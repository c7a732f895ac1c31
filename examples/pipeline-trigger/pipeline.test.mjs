// The stand-in pipeline against a Stoa that only takes notes, and the trigger module against the pipeline.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startPipeline } from './pipeline.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const secret = 'between-us'

/** Listens, notes every report, and answers `refusals` of them with 503 first. */
async function noteTaker({ refusals = 0 } = {}) {
  const reports = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const part of request) text += part
    if (refusals > 0) {
      refusals -= 1
      response.writeHead(503).end()
      return
    }
    reports.push({ method: request.method, path: request.url, token: request.headers.authorization, body: JSON.parse(text) })
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"runAborted":false}')
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { reports, base: `http://127.0.0.1:${server.address().port}`, close: () => server.close() }
}

/** A pipeline and a note taker, both closed when the test ends. */
async function stage(context, options) {
  const stoa = await noteTaker(options)
  const pipeline = await startPipeline({ secret, pace: 1 })
  context.after(() => {
    stoa.close()
    pipeline.close()
  })
  return { stoa, url: `http://127.0.0.1:${pipeline.address().port}` }
}

function call(stoa, scenario, behavior = 'APPLY') {
  const self = `${stoa.base}/api/meshobjects/meshbuildingblockruns/r1`
  return {
    behavior,
    scenario,
    inputs: { host_name: 'web' },
    run: { uuid: 'r1', registerSource: `${self}/status/source`, updateSource: `${self}/status/source/{sourceId}`, token: 'run-token' },
  }
}

function post(url, body, headers = { 'X-Webhook-Secret': secret }) {
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
}

async function until(claim) {
  for (const end = Date.now() + 10_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 5))) {
    if (await claim()) return
  }
  assert.fail('waited ten seconds')
}

const isDone = async (url) => (await (await fetch(`${url}/jobs`)).json()).every((job) => job.state === 'DONE')
const moves = (stoa) => stoa.reports.flatMap(({ body }) => (body.source ? [] : (body.steps ?? []).map((step) => `${step.id} ${step.status}`)))
const lastStatus = (stoa) => stoa.reports.at(-1).body.status

test('a success moves every step and delivers every output', async (context) => {
  const { stoa, url } = await stage(context)
  assert.equal((await post(`${url}/webhook`, call(stoa, 'success'))).status, 202)
  await until(() => isDone(url))

  assert.deepEqual(stoa.reports[0].body.steps.map((step) => step.status), ['PENDING', 'PENDING', 'PENDING'])
  assert.deepEqual(moves(stoa), [
    'request IN_PROGRESS', 'request SUCCEEDED', 'machine IN_PROGRESS', 'machine SUCCEEDED', 'handover IN_PROGRESS', 'handover SUCCEEDED',
  ])
  const outputs = stoa.reports.flatMap(({ body }) => body.steps ?? []).find((step) => step.outputs).outputs
  assert.deepEqual(Object.keys(outputs), ['address', 'console_url', 'cpus'])
  assert.equal(lastStatus(stoa), 'SUCCEEDED')
  assert.ok(stoa.reports.every((report) => report.token === 'Bearer run-token'))
  assert.ok(stoa.reports.slice(1).every((report) => report.path.endsWith('/status/source/pipeline')))
})

test('a failure tells the user and the operator different things', async (context) => {
  const { stoa, url } = await stage(context)
  await post(`${url}/webhook`, call(stoa, 'failure'))
  await until(() => isDone(url))

  const failed = stoa.reports.flatMap(({ body }) => body.steps ?? []).find((step) => step.status === 'FAILED')
  assert.match(failed.userMessage, /larger quota/)
  assert.match(failed.systemMessage, /insufficient memory/)
  assert.equal(lastStatus(stoa), 'FAILED')
})

test('an unfinished step is left behind by a run that succeeded', async (context) => {
  const { stoa, url } = await stage(context)
  await post(`${url}/webhook`, call(stoa, 'unfinished-step'))
  await until(() => isDone(url))
  assert.equal(moves(stoa).at(-1), 'handover IN_PROGRESS')
  assert.equal(lastStatus(stoa), 'SUCCEEDED')
})

test('a slow run waits for the word', async (context) => {
  const { stoa, url } = await stage(context)
  await post(`${url}/webhook`, call(stoa, 'slow'))
  await until(() => moves(stoa).at(-1) === 'machine IN_PROGRESS')
  assert.equal(await isDone(url), false)

  assert.equal((await post(`${url}/finish`, { run: 'r1', status: 'SUCCEEDED' })).status, 200)
  await until(() => isDone(url))
  assert.equal(lastStatus(stoa), 'SUCCEEDED')
  assert.equal((await post(`${url}/finish`, { run: 'r1' })).status, 404)
})

test('reports are repeated while Stoa is away', async (context) => {
  const { stoa, url } = await stage(context, { refusals: 2 })
  await post(`${url}/webhook`, call(stoa, 'success', 'DESTROY'))
  await until(() => isDone(url))
  assert.equal(lastStatus(stoa), 'SUCCEEDED')
})

test('a webhook delivered twice works once; a wrong one is refused', async (context) => {
  const { stoa, url } = await stage(context)
  await post(`${url}/webhook`, call(stoa, 'success'))
  await post(`${url}/webhook`, call(stoa, 'success'))
  await until(() => isDone(url))
  assert.equal(stoa.reports.filter(({ body }) => body.source).length, 1)

  assert.equal((await post(`${url}/webhook`, call(stoa, 'success'), {})).status, 401)
  assert.equal((await post(`${url}/webhook`, call(stoa, 'toString'))).status, 400)
  assert.equal((await post(`${url}/webhook`, { behavior: 'APPLY' })).status, 400)
})

test('the module calls on order and on deletion, with the token of that run', async (context) => {
  const { stoa, url } = await stage(context)
  const folder = await mkdtemp(join(tmpdir(), 'stoa-trigger-'))
  context.after(() => rm(folder, { recursive: true }))
  await cp(here, folder, { recursive: true, filter: (path) => !/\.(mjs|md)$/.test(path) })

  const tofu = async (command, run) => {
    const { TF_CLI_CONFIG_FILE: _, ...environment } = process.env
    const { stdout } = await promisify(execFile)(process.env.STOA_TOFU ?? 'tofu', [command, '-no-color', '-input=false', ...(command === 'init' ? [] : ['-auto-approve'])], {
      cwd: folder,
      env: {
        ...environment,
        WEBHOOK_SECRET: secret,
        TF_VAR_webhook_url: `${url}/webhook`,
        TF_VAR_meshstack_building_block_id: 'b1',
        ...(run ? { TF_VAR_meshstack_building_block_run_b64: Buffer.from(JSON.stringify(run)).toString('base64') } : {}),
      },
    })
    return stdout
  }
  const inputs = [
    { key: 'host_name', value: 'web', isSensitive: false, isEnvironment: false },
    { key: 'zones', value: ['a', 'b'], isSensitive: false, isEnvironment: false },
    { key: 'password', value: 'sealed', isSensitive: true, isEnvironment: false },
    { key: 'PATH_OF_SOMETHING', value: '/', isSensitive: false, isEnvironment: true },
  ]
  const run = (uuid, number, behavior) => {
    const { registerSource, updateSource } = call(stoa, 'success').run
    return {
      metadata: { uuid },
      spec: { behavior, runNumber: number, runToken: `token-of-${uuid}`, buildingBlock: { spec: { workspaceIdentifier: 'shop', inputs } } },
      _links: {
        self: { href: registerSource.replace('/status/source', '') },
        registerSource: { href: registerSource },
        updateSource: { href: updateSource },
      },
    }
  }

  await tofu('init')
  const ordered = await tofu('apply', run('r1', 1, 'APPLY'))
  assert.match(ordered, /"accepted":"r1"/)
  assert.doesNotMatch(ordered, /token-of-r1/)
  await until(() => isDone(url))
  assert.deepEqual((await (await fetch(`${url}/jobs`)).json())[0].inputs, { host_name: 'web', zones: ['a', 'b'] })

  // As an asynchronous runner deletes: apply first, then destroy, both with the new run.
  await tofu('apply', run('r2', 2, 'DESTROY'))
  assert.deepEqual((await (await fetch(`${url}/jobs`)).json()).map((job) => job.uuid), ['r1'])
  const deleted = await tofu('destroy', run('r2', 2, 'DESTROY'))
  assert.match(deleted, /"accepted":"r2"/)
  assert.doesNotMatch(deleted, /token-of-r2/)
  await until(() => isDone(url))

  assert.deepEqual((await (await fetch(`${url}/jobs`)).json()).map((job) => job.behavior), ['APPLY', 'DESTROY'])
  assert.equal(stoa.reports.at(-1).token, 'Bearer token-of-r2')
  assert.deepEqual(JSON.parse(await readFile(join(folder, 'terraform.tfstate'), 'utf8')).resources, [])
  for (const file of await readdir(folder)) {
    if (file.startsWith('.')) continue
    const text = await readFile(join(folder, file), 'utf8').catch(() => '')
    assert.doesNotMatch(text, /token-of-r/, `${file} holds a token`)
  }
})
