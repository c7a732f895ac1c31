// A stand-in for a pipeline system: it gets the webhook of the trigger module, answers at once, and then reports to
// Stoa as any external system does, with nothing but the run's links and token. Plain Node.js, nothing to install.
//
//   node pipeline.mjs [--port 8090] [--secret SECRET] [--pace MILLISECONDS]
//
//   POST /webhook            the trigger module's call; `scenario` chooses what is played
//   POST /finish             {"run": "<uuid>", "status": "SUCCEEDED"}: ends a run of the scenario `slow`
//   GET  /jobs               what was called and how far it is

import { createServer } from 'node:http'
import { timingSafeEqual } from 'node:crypto'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'

const RUN_MEDIA = 'application/vnd.meshcloud.api.meshbuildingblockrun.v1.hal+json'
const SOURCE = 'pipeline'

/** The steps that the pipeline announces, in their order. */
const STEPS = {
  APPLY: [
    { id: 'request', displayName: 'Check the request' },
    { id: 'machine', displayName: 'Create the machine' },
    { id: 'handover', displayName: 'Hand over to the team' },
  ],
  DESTROY: [
    { id: 'request', displayName: 'Check the request' },
    { id: 'machine', displayName: 'Remove the machine' },
  ],
}

/** How each scenario plays an order; a deletion always succeeds. */
export const SCENARIOS = {
  success: playSuccess,
  failure: playFailure,
  'unfinished-step': playUnfinishedStep,
  slow: playSlow,
}

/** Reports to Stoa about one run. */
export class Reporter {
  constructor(run, log) {
    this.run = run
    this.log = log
  }

  /** Announces who reports and which steps there will be. */
  register(steps, externalRunUrl) {
    return this.#send('POST', this.run.registerSource, {
      source: { id: SOURCE, externalRunId: this.run.uuid, externalRunUrl },
      steps: steps.map((step) => ({ ...step, status: 'PENDING' })),
    })
  }

  /** Moves one step. The run itself stays in progress until `finish`. */
  step(id, status, messages = {}) {
    return this.#update({ status: 'IN_PROGRESS', steps: [{ id, status, ...messages }] })
  }

  /** The last word: sent once. */
  finish(status, summary) {
    return this.#update({ status, summary })
  }

  #update(body) {
    return this.#send('PATCH', this.run.updateSource.replace('{sourceId}', SOURCE), body)
  }

  // Stoa may be restarting: repeating a report is harmless, losing the last one would leave the run open.
  async #send(method, url, body) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const reply = await fetch(url, {
          method,
          headers: { Authorization: `Bearer ${this.run.token}`, Accept: RUN_MEDIA, 'Content-Type': RUN_MEDIA },
          body: JSON.stringify(body),
          signal: AbortSignal.timeout(10_000),
        })
        const text = await reply.text()
        if (reply.ok) return JSON.parse(text)
        if (reply.status < 500 && reply.status !== 429) throw new Refused(`${method} was answered ${reply.status}: ${text}`)
        throw new Error(`${method} was answered ${reply.status}`)
      } catch (error) {
        if (error instanceof Refused || attempt === 8) throw error
        this.log(`attempt ${attempt}: ${error.message}; trying again`)
        await pause(250 * 2 ** attempt)
      }
    }
  }
}

/** Stoa said no, and will say no again. */
class Refused extends Error {}

async function playSuccess(job) {
  await job.pass('request', 'Your request is complete', `host_name=${job.inputs.host_name ?? ''}`)
  await job.pass('machine', 'The machine is running', 'image=debian-12 cpu=2\nboot took 3.1 s', outputsOf(job))
  await job.pass('handover', 'You can sign in now', 'mail sent to the owners')
  await job.reporter.finish('SUCCEEDED')
}

async function playFailure(job) {
  await job.pass('request', 'Your request is complete', `host_name=${job.inputs.host_name ?? ''}`)
  await job.reporter.step('machine', 'IN_PROGRESS')
  await job.pause()
  await job.reporter.step('machine', 'FAILED', {
    userMessage: 'There is no room left for another machine; ask the platform team for a larger quota',
    systemMessage: 'scheduler: 0/7 hosts fit: 7 insufficient memory (quota class small)',
  })
  await job.reporter.finish('FAILED', 'No host had room')
}

async function playUnfinishedStep(job) {
  await job.pass('request', 'Your request is complete', `host_name=${job.inputs.host_name ?? ''}`)
  await job.pass('machine', 'The machine is running', 'image=debian-12 cpu=2', outputsOf(job))
  await job.reporter.step('handover', 'IN_PROGRESS', { userMessage: 'The owners are being told' })
  await job.reporter.finish('SUCCEEDED')
}

async function playSlow(job) {
  await job.pass('request', 'Your request is complete', `host_name=${job.inputs.host_name ?? ''}`)
  await job.reporter.step('machine', 'IN_PROGRESS', { userMessage: 'Waiting for the word of an operator' })
  const status = await job.word
  const message = { SUCCEEDED: 'The machine is running', FAILED: 'The operator said no' }[status]
  await job.reporter.step('machine', status, {
    userMessage: message,
    systemMessage: 'told by POST /finish',
    ...(status === 'SUCCEEDED' ? { outputs: outputsOf(job) } : {}),
  })
  if (status === 'SUCCEEDED') await job.pass('handover', 'You can sign in now', 'mail sent to the owners')
  await job.reporter.finish(status)
}

async function playDestroy(job) {
  await job.pass('request', 'Your request is complete', 'no backups to keep')
  await job.pass('machine', 'The machine is gone', 'deleted volumes: 1')
  await job.reporter.finish('SUCCEEDED')
}

function outputsOf(job) {
  const host = job.inputs.host_name || 'machine'
  return {
    address: { value: `${host}.machines.example.org`, type: 'STRING', isSensitive: false },
    console_url: { value: `https://machines.example.org/${host}`, type: 'STRING', isSensitive: false },
    cpus: { value: 2, type: 'INTEGER', isSensitive: false },
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** One call of the webhook and what became of it. */
class Job {
  constructor(call, pace, log) {
    Object.assign(this, { uuid: call.run.uuid, behavior: call.behavior, scenario: call.scenario ?? 'success' })
    this.inputs = call.inputs ?? {}
    this.state = 'RUNNING'
    this.pace = pace
    this.reporter = new Reporter(call.run, log)
    this.word = new Promise((resolve) => (this.tell = resolve))
  }

  pause() {
    return pause(this.pace)
  }

  /** Takes one step from start to success. */
  async pass(id, userMessage, systemMessage, outputs) {
    await this.reporter.step(id, 'IN_PROGRESS')
    await this.pause()
    await this.reporter.step(id, 'SUCCEEDED', { userMessage, systemMessage, ...(outputs ? { outputs } : {}) })
  }

  async play(externalRunUrl) {
    await this.reporter.register(STEPS[this.behavior], externalRunUrl)
    await this.pause()
    await (this.behavior === 'DESTROY' ? playDestroy(this) : SCENARIOS[this.scenario](this))
  }
}

/** What is wrong with a call of the webhook, or nothing. */
function fault(call) {
  if (typeof call !== 'object' || call === null) return 'the body is not an object'
  if (!Object.hasOwn(STEPS, call.behavior ?? '')) return '`behavior` is neither APPLY nor DESTROY'
  if (!Object.hasOwn(SCENARIOS, call.scenario ?? 'success')) return '`scenario` is unknown'
  for (const field of ['uuid', 'registerSource', 'updateSource', 'token']) {
    if (typeof call.run?.[field] !== 'string' || call.run[field] === '') return `\`run.${field}\` is missing`
  }
  return null
}

/** Whether a secret is the right one, in a time that says nothing about it. */
export function sameSecret(given, wanted) {
  const [a, b] = [Buffer.from(given ?? ''), Buffer.from(wanted)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** The body of a request. */
export async function readJson(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return JSON.parse(Buffer.concat(parts).toString('utf8'))
}

/** Starts the pipeline; resolves to its server once it listens. */
export function startPipeline({ port = 0, secret = '', pace = 400, log = () => {} } = {}) {
  const jobs = new Map()

  const server = createServer(async (request, response) => {
    const answer = (status, body) => {
      response.writeHead(status, { 'Content-Type': 'application/json' })
      response.end(`${JSON.stringify(body)}\n`)
    }
    try {
      const path = `${request.method} ${new URL(request.url, 'http://localhost').pathname}`
      if (path === 'GET /jobs') {
        return answer(200, [...jobs.values()].map(({ uuid, behavior, scenario, inputs, state }) => ({ uuid, behavior, scenario, inputs, state })))
      }
      if (path === 'POST /webhook') {
        if (!sameSecret(request.headers['x-webhook-secret'], secret)) return answer(401, { error: 'wrong webhook secret' })
        const call = await readJson(request)
        const wrong = fault(call)
        if (wrong) return answer(400, { error: wrong })
        // A webhook may be delivered twice; the work is done once.
        if (!jobs.has(call.run.uuid)) {
          const job = new Job(call, pace, log)
          jobs.set(job.uuid, job)
          log(`${job.behavior} ${job.scenario}: run ${job.uuid}`)
          job.play(`http://${request.headers.host}/jobs`).then(
            () => (job.state = 'DONE'),
            (error) => {
              job.state = 'BROKEN'
              log(`run ${job.uuid}: ${error.message}`)
            },
          )
        }
        return answer(202, { accepted: call.run.uuid })
      }
      if (path === 'POST /finish') {
        const { run, status = 'SUCCEEDED' } = await readJson(request)
        const waiting = [...jobs.values()].find((job) => job.state === 'RUNNING' && (run === undefined || job.uuid === run))
        if (!waiting) return answer(404, { error: 'no such run is waiting' })
        if (status !== 'SUCCEEDED' && status !== 'FAILED') return answer(400, { error: '`status` is SUCCEEDED or FAILED' })
        waiting.tell(status)
        return answer(200, { told: waiting.uuid, status })
      }
      return answer(404, { error: 'POST /webhook, POST /finish, GET /jobs' })
    } catch (error) {
      return answer(400, { error: error.message })
    }
  })

  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: '8090' }, secret: { type: 'string', default: '' }, pace: { type: 'string', default: '400' } },
  })
  const log = (line) => console.log(`${new Date().toISOString()} ${line}`)
  const server = await startPipeline({
    port: Number(values.port),
    secret: values.secret || process.env.WEBHOOK_SECRET || '',
    pace: Number(values.pace),
    log,
  })
  log(`pipeline listens on http://127.0.0.1:${server.address().port}/webhook`)
}
