// The same platform, served by a pipeline: the trigger module in ../../pipeline-trigger calls the webhook, and this
// pipeline makes, changes and removes the space and reports every step by itself. The platform's credential is the
// pipeline's own; Stoa never sees it. Plain Node.js, nothing to install.
//
//   SPACES_URL=… SPACES_TOKEN=… WEBHOOK_SECRET=… node pipeline.mjs [--port 8110]
//
//   POST /webhook    the trigger module's call
//   GET  /jobs       what was called and how far it is

import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { Reporter, readJson, sameSecret } from '../../pipeline-trigger/pipeline.mjs'

const TENANT_MEDIA = 'application/vnd.meshcloud.api.meshtenant.v4.hal+json'

const STEPS = {
  APPLY: [
    { id: 'space', displayName: 'Make the space' },
    { id: 'members', displayName: 'Let people in' },
    { id: 'limits', displayName: 'Set limits' },
  ],
  DESTROY: [{ id: 'remove', displayName: 'Remove the space' }],
}

/** Something that the team is told in words. */
class Trouble extends Error {}

/** The platform's API. */
class Spaces {
  constructor(url, token) {
    Object.assign(this, { url, token })
  }

  /** The answer, or nothing when there is no such thing. Passing trouble is waited out. */
  async ask(method, path, body) {
    for (let attempt = 1; ; attempt += 1) {
      const reply = await fetch(`${this.url}/api${path}`, {
        method,
        headers: { Authorization: `Bearer ${this.token}`, 'Content-Type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(20_000),
      }).catch((error) => ({ ok: false, status: 0, text: async () => JSON.stringify({ message: error.message }) }))
      const text = await reply.text()
      if (reply.ok) return text === '' ? null : JSON.parse(text)
      if (reply.status === 404 && method !== 'PUT') return undefined
      if ((reply.status === 0 || reply.status === 429 || reply.status >= 500) && attempt < 4) {
        await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** attempt))
        continue
      }
      const said = text.startsWith('{') ? JSON.parse(text).message : text
      if (reply.status === 0) throw new Trouble(`Spaces does not answer at ${this.url}: ${said}`)
      if (reply.status === 401) throw new Trouble(`Spaces at ${this.url} does not accept the pipeline's credential (${said}); the platform team has to renew it`)
      throw new Trouble(`Spaces refused ${method} ${path} with status ${reply.status}: ${said}`)
    }
  }

  /** Writes what is not so yet. */
  async bring(path, wanted, now) {
    if (JSON.stringify(now) === JSON.stringify(wanted)) return 'nothing to do'
    await this.ask('PUT', path, wanted)
    return `wrote ${path}: ${JSON.stringify(wanted)}`
  }
}

/** Who gets which roles on the platform, and who gets none although they have a role in the project. */
export function grants(people, roleMap) {
  const members = []
  const unmapped = []
  for (const person of people) {
    const account = person.euid || person.username
    const roles = [...new Set(person.roles.flatMap((role) => roleMap[role] ?? []))].sort()
    const unknown = person.roles.filter((role) => !Object.hasOwn(roleMap, role))
    if (roles.length > 0) members.push({ account, roles })
    if (unknown.length > 0) unmapped.push(`${account} (${unknown.join(', ')})`)
  }
  return { members: members.sort((a, b) => (a.account < b.account ? -1 : 1)), unmapped }
}

/** The quotas of the tenant, asked with the token that Stoa gave to this run; nothing without one. */
async function quotasOf(job) {
  if (!job.api.token) return undefined
  const reply = await fetch(`${job.api.endpoint}/api/meshobjects/meshtenants/${job.inputs.tenant_uuid}`, {
    headers: { Authorization: `Bearer ${job.api.token}`, Accept: TENANT_MEDIA },
    signal: AbortSignal.timeout(20_000),
  })
  if (!reply.ok) throw new Trouble(`The quotas of the tenant cannot be read, status ${reply.status}`)
  const { status } = await reply.json()
  return Object.fromEntries(Object.entries(status.appliedQuotas).map(([key, { value }]) => [key, value]))
}

/** What each step does; it returns what the team and the operator are told, and outputs. */
const WORK = {
  async space(job, spaces) {
    const { workspace, project, platform, tenant_uuid: tenant, size = 'small', shelf = 'any' } = job.inputs
    const wanted = { displayName: `${workspace} ${project}`, size, shelf, owner: { tenant, workspace, project, platform } }
    const now = await spaces.ask('GET', `/spaces/${job.space}`)
    if (now && now.owner.tenant !== tenant) throw new Trouble(`There is already a space ${job.space} on the platform, and it belongs to somebody else`)
    const before = now && { displayName: now.displayName, size: now.size, shelf: now.shelf, owner: now.owner }
    const systemMessage = await spaces.bring(`/spaces/${job.space}`, wanted, before)
    const { signInUrl, url } = await spaces.ask('GET', `/spaces/${job.space}`)
    const outputs = { platform_tenant_id: job.space, sign_in_url: signInUrl, resource_url: url }
    return { userMessage: 'Your space is there', systemMessage, outputs }
  },

  async members(job, spaces) {
    const { members, unmapped } = grants(JSON.parse(job.inputs.people), JSON.parse(job.inputs.role_map))
    const query = members.map(({ account }) => `account=${encodeURIComponent(account)}`).join('&')
    const known = query ? await spaces.ask('GET', `/people?${query}`) : []
    const wanted = members.filter(({ account }) => known.includes(account))
    const strangers = members.map(({ account }) => account).filter((account) => !known.includes(account))
    const systemMessage = await spaces.bring(`/spaces/${job.space}/members`, wanted, await spaces.ask('GET', `/spaces/${job.space}/members`))
    const told = [`${wanted.length} people have access`]
    if (strangers.length > 0) told.push(`not known to the platform yet: ${strangers.join(', ')}`)
    if (unmapped.length > 0) told.push(`roles that give no access: ${unmapped.join(', ')}`)
    const summary = `## Space \`${job.space}\`\n\n${told.map((line) => `- ${line}`).join('\n')}\n`
    return { userMessage: told.join('; '), systemMessage, outputs: { members: JSON.stringify(wanted), summary } }
  },

  async limits(job, spaces) {
    const now = await spaces.ask('GET', `/spaces/${job.space}/limits`)
    const wanted = (await quotasOf(job)) ?? now
    const systemMessage = await spaces.bring(`/spaces/${job.space}/limits`, wanted, now)
    return { userMessage: `Limits: ${JSON.stringify(wanted)}`, systemMessage, outputs: { limits: JSON.stringify(wanted) } }
  },

  async remove(job, spaces) {
    const now = await spaces.ask('GET', `/spaces/${job.space}`)
    if (now && now.owner.tenant === job.inputs.tenant_uuid) await spaces.ask('DELETE', `/spaces/${job.space}`)
    return { userMessage: 'Your space is gone', systemMessage: now ? `owner ${now.owner.tenant}` : 'there was none' }
  },
}

/** The space of a tenant: the one that carries its uuid, wherever it was made, else the one of its names. */
async function spaceOf(job, spaces) {
  const own = (await spaces.ask('GET', '/spaces')).find(({ owner }) => owner.tenant === job.inputs.tenant_uuid)
  return own?.id ?? `${job.inputs.workspace}.${job.inputs.project}`
}

/** Does the steps of a call one after the other. The first that fails ends the run. */
async function play(job, spaces, reporter, externalRunUrl) {
  const steps = STEPS[job.behavior]
  await reporter.register(steps, externalRunUrl)
  for (const { id } of steps) {
    await reporter.step(id, 'IN_PROGRESS')
    try {
      job.space ??= await spaceOf(job, spaces)
      const { outputs = {}, ...messages } = await WORK[id](job, spaces)
      const typed = Object.entries(outputs).map(([key, value]) => {
        const type = ['members', 'limits'].includes(key) ? 'CODE' : 'STRING'
        return [key, { value, type, isSensitive: false }]
      })
      await reporter.step(id, 'SUCCEEDED', { ...messages, outputs: Object.fromEntries(typed) })
    } catch (error) {
      const userMessage = error instanceof Trouble ? error.message : 'The pipeline broke off; the platform team can see why'
      await reporter.step(id, 'FAILED', { userMessage, systemMessage: error.stack })
      return reporter.finish('FAILED', userMessage)
    }
  }
  return reporter.finish('SUCCEEDED')
}

/** Starts the pipeline; resolves to its server once it listens. */
export function startPipeline({ port = 0, secret = '', spacesUrl, spacesToken, log = () => {} } = {}) {
  const spaces = new Spaces(spacesUrl, spacesToken)
  const jobs = new Map()

  const server = createServer(async (request, response) => {
    const answer = (status, body) => {
      response.writeHead(status, { 'Content-Type': 'application/json' })
      response.end(`${JSON.stringify(body)}\n`)
    }
    try {
      const route = `${request.method} ${new URL(request.url, 'http://localhost').pathname}`
      if (route === 'GET /jobs') return answer(200, [...jobs.values()].map(({ uuid, behavior, space, state }) => ({ uuid, behavior, space, state })))
      if (route !== 'POST /webhook') return answer(404, { error: 'POST /webhook, GET /jobs' })
      if (!sameSecret(request.headers['x-webhook-secret'], secret)) return answer(401, { error: 'wrong webhook secret' })
      const { behavior, inputs, run } = await readJson(request)
      if (!Object.hasOwn(STEPS, behavior ?? '') || typeof run?.uuid !== 'string' || typeof inputs?.tenant_uuid !== 'string') {
        return answer(400, { error: '`behavior`, `run.uuid` or `inputs.tenant_uuid` is missing' })
      }
      // A webhook may be delivered twice; the work is done once.
      if (!jobs.has(run.uuid)) {
        const api = { endpoint: request.headers['x-meshstack-endpoint'], token: request.headers['x-meshstack-api-token'] }
        const job = { uuid: run.uuid, behavior, inputs, api, space: undefined, state: 'RUNNING' }
        jobs.set(job.uuid, job)
        play(job, spaces, new Reporter(run, log), `http://${request.headers.host}/jobs`).then(
          () => (job.state = 'DONE'),
          (error) => {
            job.state = 'BROKEN'
            log(`run ${job.uuid}: ${error.message}`)
          },
        )
      }
      return answer(202, { accepted: run.uuid })
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
  const { values } = parseArgs({ options: { port: { type: 'string', default: '8110' } } })
  const server = await startPipeline({
    port: Number(values.port),
    secret: process.env.WEBHOOK_SECRET ?? '',
    spacesUrl: process.env.SPACES_URL,
    spacesToken: process.env.SPACES_TOKEN,
    log: (line) => console.log(`${new Date().toISOString()} ${line}`),
  })
  console.log(`the pipeline of Spaces is ready at http://127.0.0.1:${server.address().port}/webhook`)
}
